"""What a person asks of the books."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms

from billing.domain.money import Month, month_named, month_of
from billing.queries.filters import Filters
from portal.errors import Invalid


def control(kind: str = "text") -> forms.TextInput:
    """Return an input of a filter."""
    return forms.TextInput(attrs={"type": kind, "class": "form-control"})


class InMonth(forms.Form):
    """A month, this one when nothing is said."""

    month = forms.CharField(
        required=False,
        max_length=7,
        widget=control("month"),
    )

    def clean_month(self) -> Month | None:
        """Return the month. Raises ValidationError."""
        text = self.cleaned_data["month"]
        try:
            return month_named(text) if text else None
        except ValueError:
            raise forms.ValidationError("A month looks like 2026-11.") from None


class InLedger(InMonth):
    """The filters of the ledger; left empty, they let everything through."""

    day = forms.DateField(required=False, widget=control("date"))
    team = forms.CharField(required=False, max_length=40, widget=control())
    feature = forms.CharField(required=False, max_length=40, widget=control())
    deployment = forms.CharField(required=False, max_length=63, widget=control())
    environment = forms.CharField(required=False, max_length=20, widget=control())
    tier = forms.CharField(required=False, max_length=40, widget=control())
    model = forms.CharField(required=False, max_length=120, widget=control())
    sku = forms.CharField(required=False, max_length=160, label="SKU", widget=control())
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "all"), ("usage", "usage"), ("correction", "corrections")],
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def clean_day(self) -> date | None:
        """Return the day. Raises ValidationError for one outside the books."""
        day: date | None = self.cleaned_data["day"]
        if day and not 2000 <= day.year <= 2999:
            raise forms.ValidationError("A day of the books is from 2000 to 2999.")
        return day


def filters_of(form: InMonth, *, now: datetime) -> Filters:
    """Return what the form asks for; a day brings its own month. Raises Invalid."""
    if not form.is_valid():
        fields = {name: " ".join(map(str, words)) for name, words in form.errors.items()}
        raise Invalid(" ".join(fields.values()), fields=fields)
    asked: dict[str, Any] = dict(form.cleaned_data)
    day, month = asked.pop("day", None), asked.pop("month") or month_of(now)
    if day is not None:
        month = Month(day.year, day.month)
    return Filters(month=month, day=day, **asked)
