"""Own weights on Bedrock without a fleet: fine-tunes on demand, and imported models. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from billing.domain import bedrock_skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks, managed
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.own import base_of, custom_model
from deployments.domain.candidates.question import Question
from deployments.domain.catalog import Model
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Latency, Option, Size, Tier
from deployments.domain.wording import milliseconds
from deployments.domain.workload import SECONDS_PER_MONTH, CustomModel, Need

# Bedrock user guide, deploy-custom-model-on-demand (read 2026-11): bases served by the token.
TUNED_BASES = ("amazon.nova-micro-v1:0", "amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0")
# Bedrock user guide, custom-model-import-code-samples (read 2026-11), as ids of models begin.
IMPORTED = ("llama", "mistral", "mixtral", "qwen", "flan", "gptbigcode", "gpt-oss")
_TIER = Tier.BEDROCK_CUSTOM
_UNKNOWN = "none: not estimated"


def options(question: Question) -> list[Option]:
    """Return own weights imported, and as a fine-tune on demand; none for other needs."""
    custom = question.workload.custom
    if custom is None or question.workload.need is not Need.CUSTOM_GPU:
        return []
    return [_imported(custom, question), _tuned(custom, question)]


def open_share(rps: Decimal, window_s: Decimal) -> Decimal:
    """Return the share of time in billed windows: each opens with a request and lasts `window_s`.

    Requests arrive at random, so a window is followed by a pause of 1 / rps on average.
    """
    return rps * window_s / (rps * window_s + 1)


def _imported(custom: CustomModel, question: Question) -> Option:
    workload, values = question.workload, question.values
    model = custom_model(custom, question)
    window = Decimal(str(values["import.window-s"]))
    minutes = SECONDS_PER_MONTH / 60
    draft = cost.Draft(
        "Minutes of one running copy",
        bedrock_skus.import_copy(),
        low=minutes * open_share(workload.mean_rps * cost.LOW_LOAD, window),
        expected=minutes * open_share(workload.mean_rps, window),
        high=minutes,
    )
    own_checks = [
        check for check in checks.of_model(model, question) if check.name not in _OF_OTHERS
    ]
    return priced(
        Offer(
            tier=_TIER,
            model="custom",
            name="import",
            size=Size(),
            drafts=[draft],
            assumptions=(
                f"Billed in windows of {window:g} s from the first call; nothing between them.",
                "Counted for one copy: how many requests a copy carries, and how many custom "
                "model units it takes, is told only after the import.",
            ),
            latency=_not_estimated(question),
            capacity=_unknown_capacity(question),
            checks=(
                *own_checks,
                _architecture(custom, question),
                _unmeasured(question),
            ),
            summary=f"{model.name} imported into Bedrock, paid by the copy-minute",
            burden=2,
            scales_to_zero=True,
            notes=("A copy that was shut down is loaded again at the next call, which waits.",),
            extra={"weights_s3": custom.weights_s3_uri},
        ),
        question,
    )


_OF_OTHERS = ("quality", "lifecycle")  # a team answers for these of its own weights


def _tuned(custom: CustomModel, question: Question) -> Option:
    """Return a fine-tune of the named Nova base; of the smallest, refused, for other weights."""
    by_id, named = question.catalog.by_id, custom.base_model
    is_base = named in TUNED_BASES
    model = by_id[named if is_base else TUNED_BASES[0]]
    times = managed.times_of(model, question)
    per_minute = managed.tokens_per_minute(model, question)
    what = f"The weights are of {_called(named, by_id)}" if named else "The base is not named"
    return priced(
        Offer(
            tier=_TIER,
            model=model.model_id,
            name="on-demand",
            size=Size(),
            drafts=_tuned_tokens(model, question),
            assumptions=managed.token_assumptions(model, question),
            latency=managed.shown(model, times, more="Taken as the base model's on demand."),
            capacity=managed.token_capacity(model, per_minute, question),
            checks=(
                *checks.of_model(model, question),
                Check(
                    "base",
                    is_base,
                    f"{what}; fine-tunes on demand are of {len(TUNED_BASES)} bases: "
                    f"{', '.join(by_id[each].name for each in TUNED_BASES)}.",
                ),
                checks.residency("in-region", question.workload),
                checks.latency(times, question.workload),
            ),
            summary=f"A fine-tune of {model.name}, paid by the token",
            burden=2,
            scales_to_zero=True,
            notes=("Its price is not in the copy of the price list that this release has.",),
            extra={"route": "in-region", "source_model": model.model_id},
        ),
        question,
    )


def _called(model_id: str, by_id: Mapping[str, Model]) -> str:
    model = by_id.get(model_id)
    return model.name if model else model_id


def _tuned_tokens(model: Model, question: Question) -> list[cost.Draft]:
    workload = question.workload
    seen = workload.images_per_request * model.image_tokens
    lengths = (
        ("input", workload.input_tokens_mean + seen, workload.input_tokens_p95 + seen),
        ("output", workload.output_tokens_mean, workload.output_tokens_p95),
    )
    return [
        cost.by_load(
            workload,
            label=f"{way.capitalize()} tokens of the fine-tune",
            sku=bedrock_skus.custom_tokens(model=model.model_id, direction=way),
            mean=Decimal(mean),
            high=Decimal(p95),
        )
        for way, mean, p95 in lengths
    ]


def _architecture(custom: CustomModel, question: Question) -> Check:
    """Compare the weights' family with those that an import takes."""
    takes = ", ".join(IMPORTED)
    if not custom.base_model:
        near = base_of(custom, question).name
        return Check(
            "architecture",
            True,
            f"The base is not named (taken as {near}); an import takes {takes}.",
        )
    name = custom.base_model.lower()
    in_bedrock = name.partition(".")[2]  # a managed id has its provider before the first dot
    return Check(
        "architecture",
        name.startswith(IMPORTED) or in_bedrock.startswith(IMPORTED),
        f"The weights are of {custom.base_model}; an import takes {takes}.",
    )


def _unmeasured(question: Question) -> Check:
    wish = milliseconds(question.workload.latency_ms)
    return Check(
        "latency",
        False,
        "No speed of an imported copy was found, and a time that is not known does not hold the "
        f"objective of {wish}. Measure it after the import.",
    )


def _not_estimated(question: Question) -> Latency:
    return latency.as_latency(
        Times(0, 0, 0),
        cold_start_ms=0.0,
        basis="Not estimated: no public measurement of an imported copy was found.",
        as_of=question.today.isoformat(),
        confidence=_UNKNOWN,
    )


def _unknown_capacity(question: Question) -> Capacity:
    return Capacity(
        max_rps=question.workload.peak_rps,
        headroom=Decimal(0),
        limited_by="a copy's rate that is not known before the import",
        quota="imported-model-copies",
        quota_needed=Decimal(1),
    )
