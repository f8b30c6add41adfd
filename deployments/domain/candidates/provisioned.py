"""Bedrock Provisioned Throughput: model units by the hour, for models that still sell it. Pure."""

from __future__ import annotations

from decimal import Decimal

from billing.domain import skus
from deployments.domain import cost
from deployments.domain.candidates import checks, managed
from deployments.domain.candidates.question import Question, verdict
from deployments.domain.catalog import Model, ProvisionedId
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Option, Size, Tier

THOUSANDTH = Decimal("0.001")


def options(question: Question) -> list[Option]:
    """Return an option for each model that sells units and each term."""
    return [
        _option(model, offer, term, question)
        for model in question.managed()
        if (offer := _offer(model, question)) is not None
        for term in checks.TERM_MONTHS
    ]


def _offer(model: Model, question: Question) -> ProvisionedId | None:
    """Return the smallest context on sale that holds a long request, else the largest."""
    workload = question.workload
    needed = workload.input_tokens_p95 + workload.output_tokens_p95
    needed += workload.images_per_request * model.image_tokens
    offers = sorted(model.provisioned, key=lambda offer: offer.context_tokens)
    fitting = [offer for offer in offers if offer.context_tokens >= needed]
    return next(iter(fitting or offers[-1:]), None)


def units_needed(model: Model, question: Question) -> int:
    """Return model units for the peak, planned to four fifths of what one carries."""
    unit, workload = question.catalog.model_unit, question.workload
    share = Decimal(str(question.values["managed.planned-utilisation"]))
    by_tokens = managed.tokens_per_minute(model, question) / unit.tokens_per_minute
    by_requests = workload.peak_rps * 60 / unit.requests_per_minute
    exact = max(by_tokens, by_requests) / share
    return max(int(exact.to_integral_value(rounding="ROUND_CEILING")), 1)


def _option(model: Model, offer: ProvisionedId, term: str, question: Question) -> Option:
    workload = question.workload
    units, times = units_needed(model, question), managed.times_of(model, question)
    priced = cost.price(
        [
            cost.by_the_hour(
                label="Model units",
                sku=skus.provisioned_unit(model=model.model_id, term=term),
                count=units,
                most=units,
            )
        ],
        prices=question.prices,
        assumptions=(cost.FIXED_ASSUMPTION, _unit_assumption(question), *workload.assumptions),
    )
    capacity = _capacity(model, units, question)
    found = _checks(model, term, units, times, question)
    return Option(
        option_id=f"{Tier.BEDROCK_PROVISIONED}/{model.model_id}/{term}",
        tier=Tier.BEDROCK_PROVISIONED,
        model=model.model_id,
        invoke_id=offer.invoke_id,
        size=Size(model_units=units, term=term),
        cost=priced,
        latency=managed.shown(
            model, times, more="Taken as on-demand: no measurement of units against it was found."
        ),
        capacity=capacity,
        checks=found,
        verdict=verdict(found, priced),
        scales_to_zero=False,
        burden=2,
        commitment_months=checks.TERM_MONTHS[term],
        summary=f"{units} model unit{'s' if units > 1 else ''} of {model.name}, {skus.TERMS[term]}",
        notes=("Model units cannot be resized by API; beyond them requests are throttled.",),
        extra={
            "route": "in-region",
            "source_model": offer.invoke_id,
            "term": term,
            "planned_rps_each": str(_planned_rps(model, question)),
        },
    )


def _checks(
    model: Model, term: str, units: int, times: Times, question: Question
) -> tuple[Check, ...]:
    workload = question.workload
    return (
        *checks.of_model(model, question),
        checks.residency("in-region", workload),
        checks.latency(times, workload),
        checks.headroom(_capacity(model, units, question).headroom),
        checks.commitment(term, workload),
        checks.quota(
            name="bedrock-model-units",
            what="model units (the default is 0: a Support case must grant them first)",
            needed=Decimal(units),
            question=question,
        ),
    )


def _planned_rps(model: Model, question: Question) -> Decimal:
    share = Decimal(str(question.values["managed.planned-utilisation"]))
    return (_capacity(model, 1, question).max_rps * share).quantize(THOUSANDTH)


def _unit_assumption(question: Question) -> str:
    unit = question.catalog.model_unit
    kind = "An example" if unit.is_example else "From the quote"
    return (
        f"{kind}: one model unit carries {unit.tokens_per_minute:,} tokens and "
        f"{unit.requests_per_minute:,} requests a minute. {unit.source}."
    )


def _capacity(model: Model, units: int, question: Question) -> Capacity:
    unit, peak = question.catalog.model_unit, question.workload.peak_rps
    each = managed.tokens_per_minute(model, question) / peak / 60
    by_tokens = Decimal(units * unit.tokens_per_minute) / 60 / each
    by_requests = Decimal(units * unit.requests_per_minute) / 60
    most = min(by_tokens, by_requests)
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=(1 - peak / most).quantize(THOUSANDTH),
        limited_by="tokens a minute" if by_tokens <= by_requests else "requests a minute",
        quota="bedrock-model-units",
        quota_needed=Decimal(units),
    )
