"""What a person asks of the fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from deployments.domain.lifecycle import Environment, State
from deployments.domain.options import TIER_NAMES
from portal.access import Actor
from portal.forms.choices import offer
from portal.queries import teams


def _choice(all_words: str, choices: list[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(choices=[("", all_words), *choices])


class Fleet(forms.Form):
    """The filters of the fleet; left empty, they let everything through."""

    # Nothing is validated: an empty filter asks for all, a strange one finds nothing.
    use_required_attribute = False

    q = forms.CharField(
        label="Search",
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = _choice("Any state", [(each.value, each.value) for each in State])
    tier = _choice("Any tier", [(tier.value, name) for tier, name in TIER_NAMES.items()])
    environment = _choice("Any environment", [(each.value, each.value) for each in Environment])
    team = forms.ChoiceField()

    def __init__(self, *, actor: Actor, asked: Mapping[str, Any]) -> None:
        super().__init__(
            initial={name: str(asked.get(name, ""))[:100] for name in self.base_fields}
        )
        mine = [(team.slug, team.name) for team in teams(actor=actor)]
        offer(self, "team", [("", "Any team"), *mine])

    def filters(self) -> dict[str, str]:
        """Return what is asked for; a word that is none of the choices finds nothing."""
        asked = dict(self.initial)
        asked["search"] = asked.pop("q")
        return asked
