"""The smaller forms: a new cascade, a key, a limit, a run over trials, a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from cascade.domain.calibration.choosing import Target
from cascade.usecases.asking import Over
from cascade.usecases.keys import KeyLimits
from deployments.models import environments
from portal.forms.choices import offer
from portal.models import Feature

NUMBER = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
LOGGED = "logged"
EXAMPLE = "us.amazon.nova-lite-v1:0 = 0.06 0.24"
MOST_BYTES = 64 * 1024 * 1024


class New(forms.Form):
    """Which feature, in which environment."""

    feature = forms.ChoiceField(label="Feature")
    environment = forms.ChoiceField(label="Environment", choices=environments, initial="production")

    def __init__(self, *args: Any, features: Iterable[Feature], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(
            self, "feature", [(each.slug, f"{each.name} ({each.team.name})") for each in features]
        )


class Key(forms.Form):
    """A virtual key and what it may do."""

    name = forms.CharField(label="Name", max_length=100, help_text="Where it will be used.")
    days = forms.IntegerField(
        label="Ends after", min_value=1, max_value=366, initial=90, help_text="1 to 366 days."
    )
    requests_per_minute = forms.IntegerField(label="Requests a minute", required=False, min_value=1)
    tokens_per_minute = forms.IntegerField(label="Tokens a minute", required=False, min_value=1)
    max_output_tokens = forms.IntegerField(label="Tokens an answer", required=False, min_value=1)
    monthly_usd = forms.DecimalField(
        label="Most a month", required=False, min_value=Decimal(0), decimal_places=6, max_digits=16
    )

    def limits(self) -> KeyLimits:
        """Return what was asked as limits."""
        given = self.cleaned_data
        return KeyLimits(
            requests_per_minute=given["requests_per_minute"],
            tokens_per_minute=given["tokens_per_minute"],
            max_output_tokens=given["max_output_tokens"],
            monthly_usd=given["monthly_usd"],
        )


class Limit(forms.Form):
    """What a feature's cascades may spend in a month; empty lifts the limit."""

    monthly_usd = forms.DecimalField(
        label="Limit a month",
        required=False,
        min_value=Decimal(0),
        decimal_places=6,
        max_digits=16,
        help_text="Empty: no limit of its own; the team's and the organisation's hold anyway.",
    )


class Looked(forms.Form):
    """Which trials are looked at, and with which policy."""

    over = forms.ChoiceField(label="Trials")
    days = forms.IntegerField(label="Logged in the last", min_value=1, max_value=90, initial=7)
    policy = forms.ChoiceField(label="Policy")

    def __init__(
        self,
        *args: Any,
        uploads: Iterable[tuple[int, str]],
        policies: Iterable[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        files = [(str(pk), name) for pk, name in uploads]
        offer(self, "over", [(LOGGED, "Requests of this cascade"), *files])
        offer(self, "policy", [(str(number), words) for number, words in policies])

    def asked(self) -> Over:
        """Return what was asked."""
        given = self.cleaned_data
        upload = None if given["over"] == LOGGED else int(given["over"])
        return Over(days=given["days"], upload=upload, policy=int(given["policy"]))


class Replayed(Looked):
    """The same, and what would be if models cost otherwise or the budget neared its end."""

    prices = forms.CharField(
        label="Prices",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One model a line: MODEL = INPUT OUTPUT, in USD for a million tokens. Lines left "
        "as they are, and models left out, cost what they cost today.",
    )
    budget_spent = forms.DecimalField(
        label="Of the month's budget is spent",
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(100),
        initial=Decimal(0),
        help_text="The policy steps down its stages as it would then.",
    )

    def __init__(self, *args: Any, today: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        lines = [f"{model} = {' '.join(pair)}" for model, pair in today.items()]
        self.fields["prices"].initial = "\n".join(lines)

    def clean_prices(self) -> dict[str, tuple[str, str]]:
        """Return the prices that are not today's, by model."""
        found = {}
        for number, line in enumerate(self.cleaned_data["prices"].splitlines(), 1):
            if not line.strip():
                continue
            model, _, said = (part.strip() for part in line.partition("="))
            match said.replace(",", " ").split():
                case [paid, written] if model and _is_price(paid) and _is_price(written):
                    found[model] = (paid, written)
                case _:
                    words = f"Line {number} is not MODEL = INPUT OUTPUT, such as {EXAMPLE}."
                    raise forms.ValidationError(words)
        return {
            model: pair
            for model, pair in found.items()
            if model not in self.today or not _same(pair, self.today[model])
        }

    def asked(self) -> Over:
        """Return what was asked."""
        share = float(self.cleaned_data["budget_spent"] or 0) / 100
        prices = self.cleaned_data["prices"]
        return replace(super().asked(), prices=prices, budget_share=share)


def _same(pair: tuple[str, str], other: tuple[str, str]) -> bool:
    return [Decimal(each) for each in pair] == [Decimal(each) for each in other]


def _is_price(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


class Calibrate(Looked):
    """The same, and the promise that thresholds are sought for."""

    quality = forms.FloatField(
        label="Quality kept",
        min_value=0.5,
        max_value=1,
        initial=0.98,
        help_text="As a share of the strongest stage's, 0.5 to 1.",
    )
    confidence = forms.FloatField(
        label="Confidence", min_value=0.5, max_value=0.999, initial=0.9, help_text="0.5 to 0.999."
    )

    def target(self) -> Target:
        """Return the promise."""
        return Target(
            quality=self.cleaned_data["quality"], confidence=self.cleaned_data["confidence"]
        )


class Train(Looked):
    """The same, and what is trained."""

    kind = forms.ChoiceField(
        label="Train",
        choices=[
            ("router", "A router: who is likely right, before any call"),
            ("gate", "A gate: how good an answer is"),
        ],
    )


class Trials(forms.Form):
    """A file of trials."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        help_text="JSON lines or CSV, plain or gzipped, as exported here or as published by "
        "RouteLLM, ZeroEval and BFCL; 64 MiB at most.",
    )
    names = forms.CharField(
        label="Models of the file",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, such as weak = us.amazon.nova-micro-v1:0: whose outcomes stand for "
        "which stage's model.",
    )

    def clean_file(self) -> Any:
        """Refuse what is too large to read."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError("A file of trials has at most 64 MiB; split it.")
        return file

    def clean_names(self) -> dict[str, str]:
        """Return the names by the file's names."""
        pairs = {}
        for number, line in enumerate(self.cleaned_data["names"].splitlines(), 1):
            if not line.strip():
                continue
            theirs, equals, ours = (part.strip() for part in line.partition("="))
            if not equals or not theirs or not ours:
                raise forms.ValidationError(f"Line {number} is not NAME = MODEL.")
            pairs[theirs] = ours
        return pairs


class Verdict(forms.Form):
    """How good an answer was."""

    stage = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    quality = forms.ChoiceField(
        label="Was it good enough?",
        choices=[("1", "Good"), ("0.5", "Half"), ("0", "Bad")],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label="Why", required=False, max_length=2000)
