"""What a person says when asking for a probe, or for probes by schedule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from deployments.domain.probing import FEWEST_INPUT_TOKENS
from deployments.queries.probes import Way
from deployments.usecases.probe_schedules import MOST_DAYS
from deployments.usecases.probes import (
    MOST_INPUT_TOKENS,
    MOST_OUTPUT_TOKENS,
    MOST_REQUESTS,
    MOST_USD,
    Wish,
)
from portal.forms.choices import offer
from portal.models import Feature


def _requests() -> forms.IntegerField:
    return forms.IntegerField(
        label="Requests",
        initial=40,
        min_value=1,
        max_value=MOST_REQUESTS,
        help_text="One after another. 59 bound the p95, 299 the p99.",
    )


def _input_tokens() -> forms.IntegerField:
    return forms.IntegerField(
        label="Input tokens",
        initial=300,
        min_value=FEWEST_INPUT_TOKENS,
        max_value=MOST_INPUT_TOKENS,
    )


def _output_tokens() -> forms.IntegerField:
    return forms.IntegerField(
        label="Output tokens", initial=100, min_value=2, max_value=MOST_OUTPUT_TOKENS
    )


def _most_usd(*, required: bool) -> forms.DecimalField:
    return forms.DecimalField(
        label="Cap of one run",
        required=required,
        min_value=Decimal(0),
        max_value=MOST_USD,
        max_digits=14,
        decimal_places=12,
        help_text="No request is sent that could pass it."
        if required
        else "No request is sent that could pass it; left empty, it is what all can cost at most.",
    )


class Probe(forms.Form):
    """What to measure, how, and which feature pays."""

    way = forms.ChoiceField(label="Model and route")
    feature = forms.ChoiceField(label="Charged to")
    requests = _requests()
    input_tokens = _input_tokens()
    output_tokens = _output_tokens()
    most_usd = _most_usd(required=False)

    def __init__(
        self, *args: Any, ways: Sequence[Way], features: Iterable[Feature], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "way", [(way.key, way.words) for way in ways])
        offer(self, "feature", [(each.slug, f"{each.name}, {each.team.name}") for each in features])

    def wish(self) -> Wish:
        """Return what was asked for, once it is valid."""
        asked = self.cleaned_data
        model, _, route = asked["way"].rpartition("|")
        return Wish(
            model=model,
            route=route,
            requests=asked["requests"],
            input_tokens=asked["input_tokens"],
            output_tokens=asked["output_tokens"],
            most_usd=asked["most_usd"],
        )


class Schedule(forms.Form):
    """How often what the team runs on is measured, and which of its features pays."""

    feature = forms.ChoiceField(label="Charged to")
    every_days = forms.IntegerField(
        label="Every so many days", initial=7, min_value=1, max_value=MOST_DAYS
    )
    requests = _requests()
    input_tokens = _input_tokens()
    output_tokens = _output_tokens()
    most_usd = _most_usd(required=True)

    def __init__(self, *args: Any, features: Iterable[Feature], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "feature", [(each.slug, each.name) for each in features])

    def wish(self) -> Wish:
        """Return how each model is to be probed, once it is valid."""
        asked = self.cleaned_data
        return Wish(
            model="",
            route="",
            requests=asked["requests"],
            input_tokens=asked["input_tokens"],
            output_tokens=asked["output_tokens"],
            most_usd=asked["most_usd"],
        )
