"""Choices that depend on who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django import forms


def offer(form: forms.Form, name: str, choices: Sequence[tuple[str, str]]) -> None:
    """Let the form's choice field of this name offer the (value, words) pairs."""
    cast(forms.ChoiceField, form.fields[name]).choices = list(choices)
