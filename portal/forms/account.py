"""The sign-in form, in the words of the other forms."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django.conf import settings


class SignIn(LoginForm):
    """E-mail address and password; a lost one is mailed only where there is a mail server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail address"
        self.fields["login"].widget.attrs.pop("placeholder", None)
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.fields["remember"].label = "Stay signed in"
        if not settings.EMAIL_HOST:
            self.fields["password"].help_text = ""
