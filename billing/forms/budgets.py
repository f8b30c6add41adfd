"""What a person types about a budget."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.access import Actor
from portal.forms.choices import offer
from portal.queries import teams

# No team's short name: those begin with a letter.
ORGANISATION = "*"


class SetBudget(forms.Form):
    """What a team, or the organisation, may spend in a month."""

    team = forms.ChoiceField(label="For")
    monthly_usd = forms.DecimalField(
        label="A month",
        max_digits=16,
        decimal_places=2,
        min_value=0,
        help_text="The newest budget holds from the moment it is set; those before stay on record.",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = [(team.slug, f"team {team.name}") for team in teams(actor=actor)]
        offer(self, "team", [(ORGANISATION, "the organisation"), *mine])
