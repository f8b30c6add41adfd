"""What a team types about a workload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from deployments.domain.catalog import Model
from deployments.domain.profile import HOURS_A_DAY
from deployments.domain.workload_input import PRECISIONS
from portal.forms.choices import offer

PATTERNS = (
    ("real-time", "Real-time: each request waits for its answer"),
    ("interactive", "Interactive: people wait, in bursts"),
    ("batch", "Batch: collected and worked through"),
    ("asynchronous", "Asynchronous: answered later"),
    ("event-driven", "Event-driven: when something happens"),
)
UNITS = (
    ("per-second", "a second"),
    ("per-minute", "a minute"),
    ("per-hour", "an hour"),
    ("per-day", "a day"),
    ("per-month", "a month"),
)
NEEDS = (
    ("standard", "A foundation model of the catalogue"),
    ("custom-gpu", "Own weights that need a GPU"),
    ("custom-cpu", "Own weights, small enough for CPU"),
)
RESIDENCIES = (
    ("anywhere", "Anywhere"),
    ("geography", "The same geography"),
    ("region", "The Region itself"),
)
COMMITMENTS = (
    ("0", "None"), ("1", "One month"), ("3", "Three months"), ("6", "Six months"),
    ("12", "One year"), ("36", "Three years"),
)  # fmt: skip
LATENCY_OF = (("whole-answer", "The whole answer"), ("first-token", "The first token (streamed)"))
MOST_TRACE_BYTES = 20 * 1024 * 1024
NUMBER = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})


def _number(label: str, *, required: bool = True, help_text: str = "") -> forms.CharField:
    """Return a text input for a number: the sentence about a wrong one comes from the domain."""
    return forms.CharField(
        label=label, required=required, max_length=60, help_text=help_text, widget=NUMBER
    )


def _choice(label: str, choices: Any, *, help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, help_text=help_text)


class Workload(forms.Form):
    """A workload in the team's words; numbers are read by the domain, which knows their units."""

    pattern = _choice("How requests arrive", PATTERNS)
    load = _number("Requests on average")
    load_unit = _choice("Counted", UNITS)
    window_hours = _number(
        "Hours a day in which they come", required=False, help_text="24 when left empty."
    )
    peak_rps = _number(
        "Requests/s at peak",
        required=False,
        help_text="The highest sustained minute. Empty: the load spread over its hours.",
    )
    burst_rps = _number(
        "Requests/s in a burst", required=False, help_text="The highest seconds of all, if known."
    )
    burst_seconds = _number(
        "Length of the burst", required=False, help_text="1 to 60 seconds; 10 when left empty."
    )
    weekly_profile = forms.CharField(
        label="The week, hour by hour",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text="168 weights from Monday 00:00 UTC, or the 24 of a day that repeats. Only what "
        "they are to each other counts; empty is a flat week.",
    )
    input_tokens_mean = _number("Input tokens, mean", help_text="Of one request, without images.")
    input_tokens_p95 = _number(
        "Input tokens, 95th percentile", required=False, help_text="Twice the mean when empty."
    )
    output_tokens_mean = _number("Output tokens, mean")
    output_tokens_p95 = _number(
        "Output tokens, 95th percentile", required=False, help_text="Twice the mean when empty."
    )
    cached_input_share = _number(
        "Share of the input that repeats as a prefix",
        required=False,
        help_text="0 to 1, such as 0.6 for a long system prompt; 0 when left empty.",
    )
    images_per_request = _number("Images a request", required=False)
    payload_bytes = _number("Bytes a request", required=False, help_text="With its images.")
    latency_ms = _number("Answer within")
    latency_percentile = _choice("For", [("50", "50 %"), ("95", "95 %"), ("99", "99 %")])
    latency_of = _choice("Counted to", LATENCY_OF)
    needs_streaming = forms.BooleanField(label="Answers are streamed", required=False)
    need = _choice("What kind of model", NEEDS)
    models = forms.MultipleChoiceField(
        label="Only these models",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen means any.",
    )
    forbidden_models = forms.MultipleChoiceField(
        label="Never these models", required=False, widget=forms.CheckboxSelectMultiple
    )
    weights_s3_uri = forms.CharField(
        label="S3 address of the weights",
        required=False,
        max_length=1024,
        help_text="For own weights, such as s3://team-models/v3/.",
    )
    parameters_billion = _number("Parameters in billions", required=False)
    precision = forms.ChoiceField(
        label="Precision of the weights", choices=[(word, word) for word in PRECISIONS]
    )
    base_model = forms.ChoiceField(label="Fine-tuned from", required=False)
    quality_floor = _number(
        "Quality floor",
        required=False,
        help_text="A score of the Artificial Analysis index v4.1; Nova Micro has 4.7, Nova 2 Lite "
        "11.8, Claude Sonnet 4.6 35.9.",
    )
    residency = _choice("Where requests may be worked on", RESIDENCIES)
    region = forms.CharField(label="Region", max_length=40)
    vpc_only = forms.BooleanField(label="Only the VPC may reach it", required=False)
    longest_commitment_months = _choice("Longest commitment", COMMITMENTS)
    notes = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    assumptions = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line; shown with every estimate.",
    )

    def __init__(self, *args: Any, catalog_models: Iterable[Model], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = sorted(catalog_models, key=lambda model: model.name.lower())
        names = [(model.model_id, _named(model)) for model in listed]
        bases = [(m.model_id, m.name) for m in listed if m.kind == "weights"]
        offer(self, "models", names)
        offer(self, "forbidden_models", names)
        offer(self, "base_model", [("", "Not known"), *bases])

    def given(self) -> dict[str, Any]:
        """Return what was typed, as the domain reads it."""
        typed = dict(self.cleaned_data)
        typed["assumptions"] = [
            line.strip() for line in typed["assumptions"].splitlines() if line.strip()
        ]
        return typed


def _named(model: Model) -> str:
    kind = "Bedrock" if model.kind == "managed" else "self-hosted"
    return f"{model.name} ({kind})"


EMPTY = {
    "pattern": "interactive",
    "load_unit": "per-second",
    "latency_percentile": "95",
    "latency_of": "whole-answer",
    "need": "standard",
    "precision": "bf16",
    "residency": "anywhere",
    "region": "us-east-1",
    "longest_commitment_months": "0",
}


def filled(written: dict[str, Any]) -> dict[str, Any]:
    """Return a written workload as the form's first values."""
    return {
        **written,
        "assumptions": "\n".join(written["assumptions"]),
        "weekly_profile": week_as_text(written["weekly_profile"]),
    }


def week_as_text(weights: Sequence[str]) -> str:
    """Return hourly weights with one line a day."""
    days = range(0, len(weights), HOURS_A_DAY)
    return "\n".join(", ".join(weights[day : day + HOURS_A_DAY]) for day in days)


def with_measured(typed: QueryDict, shown: Mapping[str, Any]) -> QueryDict:
    """Return what was typed with what a trace shows in its place."""
    found = typed.copy()
    for name, value in shown.items():
        match name:
            case "weekly_profile":
                found[name] = week_as_text(value)
            case "assumptions":
                found[name] = "\n".join(value)
            case _:
                found[name] = str(value)
    return found


def first_values(typed: QueryDict) -> dict[str, Any]:
    """Return what was typed as a form's first values: shown again, without complaints."""
    several = ("models", "forbidden_models")
    return {
        name: typed.getlist(name) if name in several else typed.get(name)
        for name in typed
        if name in Workload.base_fields
    }


class Trace(forms.Form):
    """A trace file, and how many requests each of its lines stands for."""

    trace = forms.FileField(
        label="Trace of requests",
        help_text="CSV or CSV.gz up to 20 MiB with timestamp, input_tokens and output_tokens "
        "(or TIMESTAMP, ContextTokens, GeneratedTokens). It fills in the load above; nothing "
        "is saved yet.",
    )
    one_in = forms.DecimalField(
        label="One line stands for",
        required=False,
        min_value=Decimal("0.001"),
        max_value=Decimal(1_000_000),
        max_digits=12,
        decimal_places=3,
        widget=NUMBER,
        help_text="Requests; 10 when one in ten was kept. 1 when left empty.",
    )

    def clean_trace(self) -> UploadedFile[Any]:
        """Refuse a file larger than is read."""
        found: UploadedFile[Any] = self.cleaned_data["trace"]
        if found.size is not None and found.size > MOST_TRACE_BYTES:
            raise forms.ValidationError(
                f"The file has {found.size / 1024**2:.0f} MiB; at most 20 MiB are read. Pack it "
                "with gzip or cut it shorter."
            )
        return found
