"""What a person asks of a capacity plan, and enters of a load test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from deployments.domain import architecture_input, point_input
from deployments.domain.plan_input import Known
from deployments.domain.planner.request import PlanRequest
from deployments.domain.planner.result import Configuration
from deployments.forms.workload import LATENCY_OF, NUMBER
from portal.forms.choices import offer

NUMBER_LABELS = {
    "layers": "Layers",
    "hidden": "Hidden size",
    "heads": "Attention heads",
    "kv_heads": "KV heads",
    "head_dim": "Head dimension",
    "intermediate": "Intermediate size",
    "vocabulary": "Vocabulary size",
    "experts": "Experts",
    "active_experts": "Experts active for a token",
    "expert_intermediate": "Intermediate size of one expert",
}
# Scenario B of the product: the first plan a person meets, to be changed.
EXAMPLE = {
    "model": "Llama-3-70B",
    "mean_rps": "2",
    "peak_rps": "12",
    "input_tokens_mean": "1500",
    "input_tokens_p95": "2400",
    "output_tokens_mean": "300",
    "output_tokens_p95": "300",
    "max_output_tokens": "300",
    "latency_ms": "3000",
    "latency_percentile": "99",
    "latency_of": "whole-answer",
    "usd_per_request": "0.02",
    "region": "us-east-1",
    "min_replicas": "2",
    "engine": "vllm",
}


def _number(label: str, *, required: bool = False, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label, required=required, max_length=60, help_text=help_text, widget=NUMBER
    )


def _text(label: str, *, most: int, help_text: str = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=most, help_text=help_text)


class Plan(forms.Form):
    """A model, its load, its objectives and what may be used; the domain reads the numbers."""

    team = forms.ChoiceField(label="Team")
    feature = forms.ChoiceField(label="Feature", required=False)
    model = forms.ChoiceField(label="Model", required=False)
    name = _text("Name of an own model", most=80)
    layers = _number(NUMBER_LABELS["layers"])
    hidden = _number(NUMBER_LABELS["hidden"])
    heads = _number(NUMBER_LABELS["heads"])
    kv_heads = _number(NUMBER_LABELS["kv_heads"])
    head_dim = _number(NUMBER_LABELS["head_dim"])
    intermediate = _number(NUMBER_LABELS["intermediate"])
    vocabulary = _number(NUMBER_LABELS["vocabulary"])
    experts = _number(NUMBER_LABELS["experts"], help_text="0 for a dense model.")
    active_experts = _number(NUMBER_LABELS["active_experts"])
    expert_intermediate = _number(NUMBER_LABELS["expert_intermediate"])
    max_context = _number("Longest context", help_text="32,768 when left empty.")
    is_tied = forms.BooleanField(label="Embedding and output head are one", required=False)
    mean_rps = _number("Requests/s on average", required=True)
    peak_rps = _number("Requests/s at peak", help_text="The highest minute; the mean when empty.")
    input_tokens_mean = _number("Input tokens, mean", required=True)
    input_tokens_p95 = _number("Input tokens, 95th percentile", help_text="The mean when empty.")
    output_tokens_mean = _number("Output tokens, mean", required=True)
    output_tokens_p95 = _number("Output tokens, 95th percentile", help_text="The mean when empty.")
    max_output_tokens = _number("Answers are cut at", help_text="Every answer; empty: never.")
    prefix_cached_share = _number(
        "Share of the input found in the prefix cache", help_text="0 to 1; 0 when left empty."
    )
    latency_ms = _number("Answer within", required=True)
    latency_percentile = forms.ChoiceField(
        label="For", choices=[("50", "50 %"), ("95", "95 %"), ("99", "99 %")]
    )
    latency_of = forms.ChoiceField(label="Counted to", choices=LATENCY_OF)
    ttft_ms = _number("First token within", help_text="A further limit, at the same percentile.")
    tpot_ms = _number("Each further token within", help_text="A further limit, on average.")
    usd_per_request = _number("A request costs at most")
    region = forms.CharField(label="Region", max_length=40)
    min_replicas = _number("Instances at least", help_text="2 stand in two zones.")
    precisions = forms.MultipleChoiceField(
        label="Only these precisions",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen means any that keeps to the model.",
    )
    instance_types = forms.MultipleChoiceField(
        label="Only these machines",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen means any.",
    )
    gpu_quota = forms.CharField(
        label="Quotas",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, such as ml.p5.48xlarge = 2; a machine without one is not limited.",
    )
    engine = forms.ChoiceField(label="Serving engine")
    weights_s3_uri = _text("S3 address of the weights", most=1024)

    def __init__(
        self,
        *args: Any,
        known: Known,
        teams: Iterable[tuple[str, str]],
        features: Iterable[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        models = [(name, name) for name in known.architectures]
        offer(self, "team", list(teams))
        offer(self, "feature", [("", "None yet"), *features])
        offer(self, "model", [("", "Its numbers, below"), *models])
        offer(self, "precisions", [(each, each) for each in sorted(known.precisions)])
        offer(self, "instance_types", [(each, each) for each in sorted(known.instance_types)])
        offer(self, "engine", [(each, each) for each in sorted(known.engines)])

    def given(self) -> dict[str, Any]:
        """Return what was typed about the plan, as the domain reads it."""
        typed = dict(self.cleaned_data)
        del typed["team"], typed["feature"]
        return typed


def architecture_fields(form: Plan) -> list[forms.BoundField]:
    """Return the fields of an own model's numbers."""
    names = [*architecture_input.NUMBERS, *architecture_input.EXPERTS]
    return [form[name] for name in ("name", *names, "max_context", "is_tied")]


def has_numbers(form: Plan) -> bool:
    """Say whether an own model's numbers are being given, so that they should be seen."""
    names = [*architecture_input.FIELDS[1:]]
    return any(form[name].errors or form[name].value() for name in names)


class Point(forms.Form):
    """One measured load test of one of a plan's configurations."""

    configuration = forms.ChoiceField(label="Configuration that was measured")
    concurrency = _number("Requests at once", help_text="In one copy of the model; this or")
    request_rate = _number("Requests/s that arrived", help_text="at one copy of the model.")
    input_tokens = _number("Input tokens", required=True, help_text="Mean of the test.")
    output_tokens = _number("Output tokens", required=True, help_text="Mean of the test.")
    ttft_ms = _number("First token, mean")
    tpot_ms = _number("Each further token, mean")
    e2e_mean_ms = _number("Whole answer, mean")
    e2e_p99_ms = _number("Whole answer, 99th percentile")
    output_tokens_per_s = _number("Output of one copy")
    source = _text("Measured by", most=200, help_text="Who or what, and when.")

    def __init__(
        self, *args: Any, request: PlanRequest, finalists: Iterable[Configuration], **kwargs: Any
    ) -> None:
        kwargs.setdefault(
            "initial",
            {
                "input_tokens": request.input_tokens_mean,
                "output_tokens": request.output_tokens_mean,
            },
        )
        super().__init__(*args, **{**kwargs, "auto_id": "point_%s"})
        self.request = request
        self.finalists = {each.key: each for each in finalists}
        offer(self, "configuration", [(key, named(each)) for key, each in self.finalists.items()])

    def given(self) -> dict[str, Any]:
        """Return what was typed with the configuration it is about, as the domain reads it."""
        typed = dict(self.cleaned_data)
        chosen = self.finalists[typed.pop("configuration")]
        return {
            **{name: value for name, value in typed.items() if name in point_input.FIELDS},
            "architecture": self.request.architecture.name,
            "engine": self.request.engine,
            "accelerator": chosen.gpu,
            "tensor_parallel": chosen.tensor_parallel,
            "pipeline_parallel": chosen.pipeline_parallel,
            "precision": chosen.precision,
        }


class Endpoint(forms.Form):
    """A running endpoint whose traffic is taken as a load test."""

    configuration = forms.ChoiceField(label="Configuration it runs")
    deployment = forms.ChoiceField(label="Endpoint")

    def __init__(
        self,
        *args: Any,
        finalists: Iterable[Configuration],
        deployments: Iterable[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "endpoint_%s"})
        offer(self, "configuration", [(each.key, named(each)) for each in finalists])
        offer(self, "deployment", [(slug, slug) for slug in deployments])


def named(configuration: Configuration) -> str:
    """Return a configuration as people say it."""
    stages = (
        f" x pp{configuration.pipeline_parallel}" if configuration.pipeline_parallel > 1 else ""
    )
    return (
        f"{configuration.instance_type}, {configuration.precision}, "
        f"tp{configuration.tensor_parallel}{stages}"
    )
