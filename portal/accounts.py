"""How people come in: local accounts by invitation, or single sign-on."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.models import User


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


def invitation_url(user: User) -> str:
    """Return the address where an invited person chooses a password; it works once, for days."""
    names = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    path = reverse("account_reset_password_from_key", kwargs=names)
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
