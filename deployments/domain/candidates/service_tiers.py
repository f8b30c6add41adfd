"""Bedrock's flex, priority and reserved service tiers, for models that sell them. Pure."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from billing.domain import bedrock_skus, skus
from deployments.domain import cost
from deployments.domain.candidates import batch, checks, managed
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.catalog import Model, Route
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Option, Size, Tier
from deployments.domain.wording import milliseconds

TERM_MONTHS = {"one-month": 1, "three-months": 3}
_TIER = Tier.BEDROCK_SERVICE_TIER
_THOUSAND = Decimal(1000)


def options(question: Question) -> list[Option]:
    """Return an option for each model, way to call it and tier that it sells."""
    found: list[Option] = []
    for model, route in managed.ways(question):
        if "flex" in model.service_tiers:
            found.append(_flex(model, route, question))
        if "priority" in model.service_tiers:
            found.append(_priority(model, route, question))
        if "reserved" in model.service_tiers:
            found.extend(_reserved(model, route, term, question) for term in TERM_MONTHS)
    return found


def _flex(model: Model, route: Route, question: Question) -> Option:
    wait = question.values["flex.wait-ms"]
    times = managed.times_of(model, question).longer(0.0, wait)
    more = f"Flex waits behind standard requests: planned with {milliseconds(wait)} more at p95."
    shared = (*_shared_checks(model, route, times, question), batch.pattern("Flex", question))
    return _paid_by_token(model, route, "flex", times, more, shared, question)


def _priority(model: Model, route: Route, question: Question) -> Option:
    times = managed.times_of(model, question)
    more = "Taken as standard: no measurement of priority against it was found."
    shared = _shared_checks(model, route, times, question)
    return _paid_by_token(model, route, "priority", times, more, shared, question)


def _paid_by_token(
    model: Model,
    route: Route,
    tier: str,
    times: Times,
    more: str,
    found: tuple[Check, ...],
    question: Question,
) -> Option:
    per_minute = managed.tokens_per_minute(model, question)
    return priced(
        Offer(
            tier=_TIER,
            model=model.model_id,
            name=f"{route.route}/{tier}",
            invoke_id=route.invoke_id,
            size=Size(),
            drafts=managed.plain_tokens(model, route.route, question, suffix=f"-{tier}"),
            assumptions=(
                *managed.token_assumptions(model, question),
                f"Sold in this tier: {model.service_tiers_source}.",
            ),
            latency=managed.shown(model, times, more=more),
            capacity=managed.token_capacity(model, per_minute, question),
            checks=(*found, managed.token_quota(model, per_minute, question)),
            summary=f"{model.name}, {skus.ROUTES[route.route]}, {tier} tier",
            burden=1,
            scales_to_zero=True,
            notes=("Default, flex and priority share one on-demand quota.",),
            extra=_extra(route, tier),
        ),
        question,
    )


def _reserved(model: Model, route: Route, term: str, question: Question) -> Option:
    times, months = managed.times_of(model, question), TERM_MONTHS[term]
    words = bedrock_skus.RESERVED_TERMS[term]
    return priced(
        Offer(
            tier=_TIER,
            model=model.model_id,
            name=f"{route.route}/reserved/{term}",
            invoke_id=route.invoke_id,
            size=Size(term=term),
            drafts=_held(model, route, term, question),
            assumptions=(
                "Held for the peak, in thousands of tokens a minute, and paid every month.",
                "What goes beyond is worked on at the standard tier and price.",
                f"Sold in this tier: {model.service_tiers_source}.",
            ),
            latency=managed.shown(
                model, times, more="Taken as standard: no measurement of reserved was found."
            ),
            capacity=_reserved_capacity(model, question),
            checks=(
                *_shared_checks(model, route, times, question),
                checks.months(months, question.workload),
            ),
            summary=f"{model.name}, {skus.ROUTES[route.route]}, tokens reserved for {words}",
            burden=2,
            commitment_months=months,
            notes=(
                "Bought through the AWS account team, and paid until they end it.",
                "The uptime target is 99.5 %.",
            ),
            extra=_extra(route, "reserved") | {"term": term},
        ),
        question,
    )


def thousands_held(model: Model, question: Question) -> dict[str, Decimal]:
    """Return the thousands of tokens a minute to hold for the peak, by direction."""
    workload, values = question.workload, question.values
    seen = workload.images_per_request * model.image_tokens
    needs = {
        "input": workload.input_tokens_mean + seen,
        "output": workload.output_tokens_mean,
    }
    return {
        way: max(
            (workload.peak_rps * 60 * each / _THOUSAND).to_integral_value(ROUND_CEILING),
            Decimal(str(values[f"reserved.min-{way}-tpm"])) / _THOUSAND,
        )
        for way, each in needs.items()
    }


def _held(model: Model, route: Route, term: str, question: Question) -> list[cost.Draft]:
    return [
        cost.Draft(
            f"Reserved {way} tokens a minute",
            bedrock_skus.reserved(
                model=model.model_id, route=route.route, term=term, direction=way
            ),
            low=held,
            expected=held,
            high=held,
            is_fixed=True,
        )
        for way, held in thousands_held(model, question).items()
    ]


def _reserved_capacity(model: Model, question: Question) -> Capacity:
    """Return the requests/s that the held tokens carry: the scarcer direction decides."""
    workload, held = question.workload, thousands_held(model, question)
    seen = workload.images_per_request * model.image_tokens
    by_input = held["input"] * _THOUSAND / 60 / max(workload.input_tokens_mean + seen, 1)
    by_output = held["output"] * _THOUSAND / 60 / max(workload.output_tokens_mean, 1)
    most = min(by_input, by_output)
    return Capacity(
        max_rps=most.quantize(managed.THOUSANDTH),
        headroom=max(1 - workload.peak_rps / most, Decimal(0)).quantize(managed.THOUSANDTH),
        limited_by="input tokens held" if by_input <= by_output else "output tokens held",
        quota=f"reserved-tokens-per-minute:{model.model_id}",
        quota_needed=sum(held.values(), Decimal(0)) * _THOUSAND,
    )


def _shared_checks(
    model: Model, route: Route, times: Times, question: Question
) -> tuple[Check, ...]:
    workload = question.workload
    return (
        *checks.of_model(model, question),
        checks.residency(route.route, workload),
        checks.latency(times, workload),
        checks.payload(workload, question.values["bedrock.payload-mb"]),
    )


def _extra(route: Route, tier: str) -> dict[str, str]:
    return {"route": route.route, "source_model": route.invoke_id, "service_tier": tier}
