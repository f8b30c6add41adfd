"""What a person asks of a portfolio."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from deployments.forms.workload import NUMBER
from portal.forms.choices import offer

EVERYBODY = "*"


class Plan(forms.Form):
    """Whose features, which budget, what is sought and what is limited."""

    team = forms.ChoiceField(label="Features of")
    budget_usd = forms.CharField(
        label="Budget a month",
        required=False,
        max_length=40,
        widget=NUMBER,
        help_text="The budget in force when left empty.",
    )
    objective = forms.ChoiceField(
        label="Sought is",
        choices=[("cost", "The least cost for all of them"), ("value", "The most that fits")],
    )
    longest_commitment_months = forms.CharField(
        label="Longest commitment",
        required=False,
        max_length=4,
        widget=NUMBER,
        help_text="In months; empty: as each workload says.",
    )
    limits = forms.CharField(
        label="Limits",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, such as ml.p5.4xlarge = 4 or model-units = 2.",
    )
    priorities = forms.CharField(
        label="Priorities",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, such as chatbot = 80, from 1 to 100; 10 where nothing is said. "
        "They count when the most that fits is sought.",
    )

    launchable_only = forms.BooleanField(label="Only what a launch builds", required=False)

    def __init__(self, *args: Any, teams: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "team", list(teams))

    def given(self) -> dict[str, Any]:
        """Return what was written, without the team."""
        return {name: value for name, value in self.cleaned_data.items() if name != "team"}
