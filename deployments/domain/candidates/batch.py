"""Bedrock batch inference: half-price tokens in jobs of a day and more, for models that sell it."""

from __future__ import annotations

from decimal import Decimal

from billing.domain import skus
from deployments.domain import latency
from deployments.domain.candidates import checks, managed
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.seats import UNHURRIED
from deployments.domain.catalog import Model, Route
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Option, Size, Tier
from deployments.domain.wording import count

MS_PER_DAY = 86_400_000


def options(question: Question) -> list[Option]:
    """Return an option for each model sold in batch and each way to call it."""
    return [
        _option(model, route, question) for model, route in managed.ways(question) if model.batch
    ]


def pattern(what: str, question: Question) -> Check:
    """Say whether nobody waits for the answer, which is what a cheap queue asks for."""
    found = question.workload.pattern
    return Check(
        "pattern",
        found in UNHURRIED,
        f"{what} is for batch and asynchronous work; requests here are {found.value}.",
    )


def _option(model: Model, route: Route, question: Question) -> Option:
    values = question.values
    window = values["batch.window-ms"]
    times = Times(window, window, window)
    return priced(
        Offer(
            tier=Tier.BEDROCK_BATCH,
            model=model.model_id,
            name=route.route,
            invoke_id=route.invoke_id,
            size=Size(),
            drafts=managed.plain_tokens(model, route.route, question, suffix="-batch"),
            assumptions=(
                *managed.token_assumptions(model, question),
                f"Sold in batch: {model.batch_source}. Nothing is read from a prompt cache.",
            ),
            latency=latency.as_latency(
                times,
                cold_start_ms=0.0,
                basis="No time is published for a job: planned to the end of the shortest window.",
                as_of="2026-11-01",
                confidence="high: a limit of the service, not an estimate",
            ),
            capacity=_capacity(model, question),
            checks=_checks(model, route, times, question),
            summary=f"{model.name}, {skus.ROUTES[route.route]}, in batch jobs at half price",
            burden=2,
            scales_to_zero=True,
            notes=(
                f"A job is given {window / MS_PER_DAY * 24:g} to "
                f"{values['batch.longest-window-ms'] / MS_PER_DAY * 24:g} hours and is stopped at "
                "the end of them; the order of answers is not kept.",
            ),
            extra={"route": route.route, "source_model": route.invoke_id},
        ),
        question,
    )


def _checks(model: Model, route: Route, times: Times, question: Question) -> tuple[Check, ...]:
    workload = question.workload
    least = Decimal(str(question.values["batch.min-records"]))
    records = _records_a_day(question)
    return (
        *checks.of_model(model, question),
        checks.residency(route.route, workload),
        pattern("Batch inference", question),
        checks.latency(times, workload),
        Check(
            "records",
            records >= least,
            f"A day's job has {count(records)} records; the least a job takes is {count(least)}.",
        ),
        *checks.forbids(
            "streaming", workload.needs_streaming, "The answer is to be streamed; a job writes it."
        ),
    )


def _records_a_day(question: Question) -> Decimal:
    return (question.workload.mean_rps * 86_400).to_integral_value(rounding="ROUND_FLOOR")


def _capacity(model: Model, question: Question) -> Capacity:
    """Return the mean as carried: a job has a day for what comes in a day."""
    most = Decimal(str(question.values["batch.max-records"]))
    files = (_records_a_day(question) / most).to_integral_value(rounding="ROUND_CEILING")
    return Capacity(
        max_rps=question.workload.peak_rps,
        headroom=Decimal(0),
        limited_by="a quota of jobs that is not known here",
        quota=f"batch-files:{model.model_id}",
        quota_needed=max(files, Decimal(1)),
    )
