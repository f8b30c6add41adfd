"""What a person types about teams and keys."""

from __future__ import annotations

from datetime import timedelta

from django import forms

from portal.access import Role, Scope
from portal.usecases.naming import LONGEST_NAME, LONGEST_SLUG
from portal.usecases.people import LONGEST_PERSON

WHAT_A_SCOPE_DOES = {
    Scope.READ: "read everything you see",
    Scope.ADVISE: "register features, describe workloads, ask for recommendations",
    Scope.LAUNCH: "launch, resize, retire, play traffic",
    Scope.BOOKS: "set budgets and prices, if you may",
    Scope.ADMIN: "manage teams, if you may",
}


class Team(forms.Form):
    """A new team."""

    name = forms.CharField(max_length=LONGEST_NAME)
    slug = forms.CharField(label="Short name", max_length=LONGEST_SLUG)
    cost_centre = forms.CharField(label="Cost centre", max_length=40, required=False)


class Member(forms.Form):
    """A person's role in a team."""

    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(
        choices=[(Role.MEMBER.value, "Member"), (Role.LEAD.value, "Lead")],
        help_text="A lead launches and retires; a member describes and compares.",
    )


class Grant(forms.Form):
    """A role that holds everywhere."""

    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(
        choices=[(Role.PLATFORM.value, "Platform"), (Role.FINANCE.value, "Finance")],
        help_text="Platform engineers run the fleet and the teams; finance sets budgets.",
    )


class Invite(forms.Form):
    """A person without an account."""

    name = forms.CharField(max_length=LONGEST_PERSON)
    email = forms.EmailField(label="E-mail address", max_length=150)


class Account(forms.Form):
    """What people say about themselves."""

    name = forms.CharField(
        max_length=LONGEST_PERSON, help_text="As colleagues see it beside what you do."
    )


class Key(forms.Form):
    """A new API key."""

    name = forms.CharField(max_length=100, help_text="Where it will be used.")
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        choices=[(scope.value, f"{scope.value}: {WHAT_A_SCOPE_DOES[scope]}") for scope in Scope],
        initial=[Scope.READ.value],
    )
    days = forms.IntegerField(
        label="Expires in", min_value=1, max_value=366, initial=90, help_text="Days, up to 366."
    )

    @property
    def lifetime(self) -> timedelta:
        """Return how long the key is to live."""
        return timedelta(days=self.cleaned_data["days"])
