"""How a team asks to see the options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from portal.forms.choices import offer


class Filter(forms.Form):
    """Which options to show; kept in the address."""

    verdict = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Any verdict"),
            ("feasible", "Feasible"),
            ("needs-quote", "Needs a quote"),
            ("infeasible", "Infeasible"),
        ],
    )
    tier = forms.ChoiceField(required=False)
    model = forms.CharField(required=False, max_length=100, label="Model")

    def __init__(self, *args: Any, tiers: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "tier", [("", "Any tier"), *tiers])
