"""Lambda + Bedrock on-demand: a function that waits for the model and is paid for it. Pure."""

from __future__ import annotations

from decimal import Decimal

from billing.domain import skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks, managed
from deployments.domain.candidates.question import Question, verdict
from deployments.domain.catalog import Model, Route
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Option, Size, Tier

ARCHITECTURE = "arm64"


def options(question: Question) -> list[Option]:
    """Return on-demand behind a Lambda function, which waits for the model and is paid for it."""
    return [_function(model, route, question) for model, route in managed.ways(question)]


def _function(model: Model, route: Route, question: Question) -> Option:
    workload, values = question.workload, question.values
    own_ms, cold_ms = values["lambda.own-ms"], values["lambda.cold-start-ms-p99"]
    warm = managed.answer_of(model, question).plus(own_ms, tail_ms=cold_ms)
    is_cold = latency.is_mostly_cold(workload)
    answer = warm.plus(values["lambda.cold-start-ms-p50"] if is_cold else 0.0)
    concurrency = functions_at_once(answer, question)
    priced = cost.price(
        [*managed.token_drafts(model, route, question), *function_drafts(warm, question)],
        prices=question.prices,
        assumptions=(
            *managed.assumptions(model, route, question),
            f"The function has {values['lambda.memory-mb']:g} MB on arm64 and is paid while it "
            "waits for the model's last token; streaming does not shorten that.",
        ),
    )
    found = _function_checks(model, route, answer, question)
    return Option(
        option_id=f"{Tier.LAMBDA_BEDROCK}/{model.model_id}/{route.route}",
        tier=Tier.LAMBDA_BEDROCK,
        model=model.model_id,
        invoke_id=route.invoke_id,
        size=Size(memory_mb=int(values["lambda.memory-mb"]), max_concurrency=int(concurrency)),
        cost=priced,
        latency=managed.shown(
            model,
            answer,
            values["lambda.cold-start-ms-p50"],
            f"Plus {own_ms:g} ms of the function itself; p99 includes a cold start of "
            f"{cold_ms:g} ms (boto3, arm64, n = 125, 2025-11).",
        ),
        capacity=_function_capacity(concurrency, question),
        checks=found,
        verdict=verdict(found, priced),
        scales_to_zero=True,
        burden=2,
        commitment_months=0,
        summary=f"A function in front of {model.name}, {skus.ROUTES[route.route]}",
        notes=managed.notes(model),
        extra={
            "route": route.route,
            "source_model": route.invoke_id,
            "architecture": ARCHITECTURE,
        },
    )


def _function_checks(
    model: Model, route: Route, answer: Times, question: Question
) -> tuple[Check, ...]:
    workload, values = question.workload, question.values
    return (
        *checks.of_model(model, question),
        checks.residency(route.route, workload),
        checks.latency(answer, workload),
        checks.payload(workload, values["lambda.payload-mb"]),
        checks.time_limit(answer, values["lambda.timeout-s"]),
        checks.quota(
            name="lambda-concurrency",
            what="functions running at once at peak",
            needed=functions_at_once(answer, question),
            question=question,
        ),
        *function_forbids(question),
    )


def function_drafts(answer: Times, question: Question) -> list[cost.Draft]:
    """Return the lines of a function that waits for an answer: its memory and its requests."""
    workload, gigabytes = question.workload, question.values["lambda.memory-mb"] / 1024
    typical = Decimal(str(round(answer.p50 / 1000 * gigabytes, 6)))
    slow = Decimal(str(round(answer.p95 / 1000 * gigabytes, 6)))
    return [
        cost.by_load(
            workload,
            label="Function memory while it waits",
            sku=skus.lambda_memory(architecture=ARCHITECTURE),
            mean=typical,
            high=slow,
        ),
        cost.by_load(
            workload,
            label="Function requests",
            sku=skus.lambda_requests(),
            mean=Decimal(1),
            high=Decimal(1),
        ),
    ]


def function_forbids(question: Question) -> list[Check]:
    """Return what a function cannot do, where the workload asks for it."""
    return [
        *checks.forbids(
            "streaming",
            question.workload.needs_streaming,
            "The answer is to be streamed; a Python function hands it over whole.",
        ),
        *checks.forbids(
            "network",
            question.workload.vpc_only,
            "Only the VPC may reach it; a function URL answers on a public address.",
        ),
    ]


def functions_at_once(answer: Times, question: Question) -> Decimal:
    """Return functions running at peak, with room to spare."""
    spare = question.values["lambda.free-headroom-factor"]
    running = question.workload.peak_rps * Decimal(str(answer.p50 / 1000 * spare))
    return max(running.to_integral_value(rounding="ROUND_CEILING"), Decimal(1))


def _function_capacity(concurrency: Decimal, question: Question) -> Capacity:
    limit = question.quotas.get("lambda-concurrency", concurrency)
    peak = question.workload.peak_rps
    most = peak * limit / concurrency
    return Capacity(
        max_rps=most.quantize(managed.THOUSANDTH),
        headroom=max(1 - peak / most, Decimal(0)).quantize(managed.THOUSANDTH),
        limited_by="functions running at once",
        quota="lambda-concurrency",
        quota_needed=concurrency,
    )
