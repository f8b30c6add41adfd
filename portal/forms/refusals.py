"""A use case's refusal, shown in the form that asked."""

from __future__ import annotations

from django import forms

from portal.errors import Refusal


def explain(form: forms.Form, refusal: Refusal) -> None:
    """Put the refusal's sentences beside the fields they are about, or on top."""
    for field, sentence in refusal.fields.items():
        form.add_error(field if field in form.fields else None, sentence)
    if not refusal.fields:
        form.add_error(None, str(refusal))
