"""How people come in: local accounts by invitation, or single sign-on."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class Accounts(DefaultAccountAdapter):
    """Nobody opens an account unasked, unless the settings say so."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether strangers may open a local account."""
        return settings.OPEN_SIGNUP


class SingleSignOn(DefaultSocialAccountAdapter):
    """Whoever the identity provider vouches for gets an account without a team."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool:
        """Say whether a first sign-on opens an account: yes, roles are given afterwards."""
        return True
