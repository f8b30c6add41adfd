"""Bedrock on-demand, and what all managed tiers share: tokens, quota, times. Pure."""

from __future__ import annotations

from decimal import Decimal

from billing.domain import skus
from deployments.domain import cost, latency
from deployments.domain.candidates import caching, checks
from deployments.domain.candidates.question import Question, verdict
from deployments.domain.catalog import Model, Route, Speed
from deployments.domain.latency import Times
from deployments.domain.options import UNKNOWN_QUOTA, Capacity, Check, Latency, Option, Size, Tier
from deployments.domain.wording import count

THOUSANDTH = Decimal("0.001")


def on_demand(question: Question) -> list[Option]:
    """Return an option for each managed model and each way to call it."""
    return [_on_demand(model, route, question) for model, route in ways(question)]


def ways(question: Question) -> list[tuple[Model, Route]]:
    """Return each managed model worth asking with each way to call it, as measured here."""
    found = [
        (question.as_measured(model, route.route), route)
        for model in question.managed()
        for route in model.routes
    ]
    return [(model, route) for model, route in found if model.speed is not None]


def speed_of(model: Model) -> Speed:
    """Return a managed model's speed. Raises ValueError for one without."""
    if model.speed is None:
        raise ValueError(f"{model.model_id} has no speed.")
    return model.speed


def times_of(model: Model, question: Question) -> Times:
    """Return the times the objective is about."""
    return latency.managed(
        speed=speed_of(model), workload=question.workload, values=question.values
    )


def answer_of(model: Model, question: Question) -> Times:
    """Return the times to the last token, which is what a caller waits and pays for."""
    return latency.managed_answer(
        speed=speed_of(model), workload=question.workload, values=question.values
    )


def shown(model: Model, times: Times, cold_start_ms: float = 0.0, more: str = "") -> Latency:
    """Return times as an option's latency, with where they come from."""
    speed = speed_of(model)
    return latency.as_latency(
        times,
        cold_start_ms=cold_start_ms,
        basis=" ".join(part for part in (speed.source, speed.note, more) if part),
        as_of=speed.as_of.isoformat(),
        confidence=speed.confidence or latency.CONFIDENCE[speed.basis],
    )


def tokens_per_minute(model: Model, question: Question) -> Decimal:
    """Return quota tokens a minute at peak: output counts the model's burndown."""
    workload = question.workload
    seen = workload.images_per_request * model.image_tokens
    each = workload.input_tokens_mean + seen
    burned = workload.output_tokens_mean * model.output_quota_burndown
    return workload.peak_rps * 60 * (each + burned)


def plain_tokens(
    model: Model, route: str, question: Question, suffix: str = ""
) -> list[cost.Draft]:
    """Return the token lines of a model without a cache; `suffix` names the tariff."""
    workload = question.workload
    return cost.tokens(
        workload,
        model=model.model_id,
        route=route,
        seen=workload.images_per_request * model.image_tokens,
        suffix=suffix,
    )


def token_drafts(model: Model, route: Route, question: Question) -> list[cost.Draft]:
    """Return the token lines of a model, at the long-prompt tariff where prompts are long.

    A prefix that repeats is read from the cache where the model sells that.
    """
    suffix = "-long" if caching.is_long(model, question.workload) else ""
    drafts = plain_tokens(model, route.route, question, suffix)
    prefix = caching.prefix_tokens(model, route.route, question)
    return caching.split(drafts, prefix, model, route.route, question) if prefix else drafts


def token_assumptions(model: Model, question: Question) -> tuple[str, ...]:
    """Return what a token price stands on besides what the workload itself assumes."""
    said = list(cost.LOAD_ASSUMPTIONS)
    if question.workload.images_per_request:
        said.append(
            f"An image of about a megapixel counts {model.image_tokens:,} input tokens "
            f"({model.image_tokens_source})."
        )
    return tuple(said)


def assumptions(model: Model, route: Route, question: Question) -> tuple[str, ...]:
    """Return what a token price stands on besides the load."""
    return (
        *token_assumptions(model, question),
        *caching.words(model, route.route, question),
        *question.workload.assumptions,
    )


def _on_demand(model: Model, route: Route, question: Question) -> Option:
    workload, times = question.workload, times_of(model, question)
    per_minute = tokens_per_minute(model, question)
    priced = cost.price(
        token_drafts(model, route, question),
        prices=question.prices,
        assumptions=assumptions(model, route, question),
    )
    found = (
        *checks.of_model(model, question),
        checks.residency(route.route, workload),
        checks.latency(times, workload),
        checks.payload(workload, question.values["bedrock.payload-mb"]),
        token_quota(model, per_minute, question),
    )
    return Option(
        option_id=f"{Tier.BEDROCK_ON_DEMAND}/{model.model_id}/{route.route}",
        tier=Tier.BEDROCK_ON_DEMAND,
        model=model.model_id,
        invoke_id=route.invoke_id,
        size=Size(),
        cost=priced,
        latency=shown(model, times),
        capacity=token_capacity(model, per_minute, question),
        checks=found,
        verdict=verdict(found, priced),
        scales_to_zero=True,
        burden=1,
        commitment_months=0,
        summary=f"{model.name}, {skus.ROUTES[route.route]}, paid by the token",
        notes=notes(model),
        extra={"route": route.route, "source_model": route.invoke_id},
    )


def token_quota(model: Model, per_minute: Decimal, question: Question) -> Check:
    """Compare the quota tokens a minute at peak with the account's limit."""
    return checks.quota(
        name=f"tokens-per-minute:{model.model_id}",
        what="quota tokens a minute at peak",
        needed=per_minute,
        question=question,
    )


def token_capacity(model: Model, per_minute: Decimal, question: Question) -> Capacity:
    """Return the requests/s that the account's token quota lets through."""
    limit = question.quotas.get(f"tokens-per-minute:{model.model_id}")
    peak = question.workload.peak_rps
    most = peak * limit / per_minute if limit is not None else peak
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=max(1 - peak / most, Decimal(0)).quantize(THOUSANDTH) if most else Decimal(0),
        limited_by="the account's token quota" if limit is not None else UNKNOWN_QUOTA,
        quota=f"tokens-per-minute:{model.model_id}",
        quota_needed=per_minute,
    )


def notes(model: Model) -> tuple[str, ...]:
    """Return what to know of a model: how output counts against the quota, and its lifecycle."""
    said = []
    if model.output_quota_burndown > 1:
        said.append(
            f"An output token counts {count(model.output_quota_burndown)} times against the "
            f"token quota ({model.burndown_source})."
        )
    if model.lifecycle_note:
        said.append(f"Lifecycle: {model.lifecycle_note}.")
    return tuple(said)
