"""How a team asks to see the options, and to have them compared at other figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from portal.forms.choices import offer

UNITS: Mapping[str, str] = {
    "mean_rps": "requests/s",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "latency_ms": "ms",
    "quality_floor": "points",
}


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
    most_usd = forms.DecimalField(required=False, min_value=0, label="At most USD a month")
    most_ms = forms.IntegerField(required=False, min_value=1, label="At most milliseconds")
    front = forms.BooleanField(required=False, label="On the front only")
    launchable = forms.BooleanField(required=False, label="What a launch builds only")

    def __init__(self, *args: Any, tiers: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "tier", [("", "Any tier"), *tiers])


class WhatIf(forms.Form):
    """Other figures for the same workload; what is left empty stays as it is."""

    mean_rps = forms.CharField(required=False, max_length=40, label="Mean load")
    input_tokens = forms.CharField(required=False, max_length=40, label="Input tokens")
    output_tokens = forms.CharField(required=False, max_length=40, label="Output tokens")
    latency_ms = forms.CharField(required=False, max_length=40, label="Latency objective")
    quality_floor = forms.CharField(required=False, max_length=40, label="Quality floor")

    def given(self) -> dict[str, str]:
        """Return what was typed, without what was left empty."""
        cleaned = self.cleaned_data
        return {name: cleaned[name] for name in self.fields if cleaned.get(name)}
