"""What a person types about a feature."""

from __future__ import annotations

from django import forms

from portal.access import Permission
from portal.forms.choices import offer
from portal.queries import teams
from portal.usecases.features import DATA_CLASSES
from portal.usecases.naming import LONGEST_NAME, LONGEST_SLUG


class Change(forms.Form):
    """What may be changed later."""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="What people call it.")
    description = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it does for whom, in a sentence or two.",
    )
    cost_centre = forms.CharField(
        max_length=40,
        required=False,
        label="Cost centre",
        help_text="Who pays; the team's own when left empty.",
    )
    data_class = forms.ChoiceField(
        label="Data class",
        choices=[(word, word.capitalize()) for word in DATA_CLASSES],
        initial="internal",
        help_text="The most sensitive data it is sent.",
    )


class Register(Change):
    """A new feature."""

    slug = forms.CharField(
        label="Short name",
        max_length=LONGEST_SLUG,
        help_text="Small letters, digits, hyphens; part of every address. It stays for ever.",
    )
    team = forms.ChoiceField()
    field_order = ["name", "slug", "team", "description", "cost_centre", "data_class"]

    def __init__(self, *args, actor, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        mine = [
            (team.slug, team.name)
            for team in teams(actor=actor)
            if actor.may(Permission.REGISTER, team_id=team.pk)
        ]
        offer(self, "team", mine)
