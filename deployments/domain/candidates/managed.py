"""Bedrock on-demand, called directly or by a Lambda function. Pure."""

from __future__ import annotations

from decimal import Decimal

from billing.domain import skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks
from deployments.domain.candidates.question import Question, verdict
from deployments.domain.catalog import Model, Route, Speed
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Latency, Option, Size, Tier
from deployments.domain.wording import count

ARCHITECTURE = "arm64"
THOUSANDTH = Decimal("0.001")


def on_demand(question: Question) -> list[Option]:
    """Return an option for each managed model and each way to call it."""
    return [_on_demand(model, route, question) for model, route in _ways(question)]


def functions(question: Question) -> list[Option]:
    """Return the same behind a Lambda function, which waits for the model and is paid for it."""
    return [_function(model, route, question) for model, route in _ways(question)]


def _ways(question: Question) -> list[tuple[Model, Route]]:
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


def token_drafts(model: Model, route: Route, question: Question) -> list[cost.Draft]:
    """Return the token lines of a model, at the long-prompt tariff where prompts are long."""
    workload = question.workload
    seen = workload.images_per_request * model.image_tokens
    limit = model.long_prompt_tokens
    return cost.tokens(
        workload,
        model=model.model_id,
        route=route.route,
        seen=seen,
        is_long=limit is not None and workload.input_tokens_p95 + seen > limit,
    )


def assumptions(model: Model, question: Question) -> tuple[str, ...]:
    """Return what a token price stands on besides the load."""
    said = list(cost.LOAD_ASSUMPTIONS)
    if question.workload.images_per_request:
        said.append(
            f"An image of about a megapixel counts {model.image_tokens:,} input tokens "
            f"({model.image_tokens_source})."
        )
    said.extend(question.workload.assumptions)
    return tuple(said)


def _on_demand(model: Model, route: Route, question: Question) -> Option:
    workload, times = question.workload, times_of(model, question)
    per_minute = tokens_per_minute(model, question)
    priced = cost.price(
        token_drafts(model, route, question),
        prices=question.prices,
        assumptions=assumptions(model, question),
    )
    found = (
        *checks.of_model(model, question),
        checks.residency(route.route, workload),
        checks.latency(times, workload),
        checks.payload(workload, question.values["bedrock.payload-mb"]),
        _token_quota(model, per_minute, question),
    )
    return Option(
        option_id=f"{Tier.BEDROCK_ON_DEMAND}/{model.model_id}/{route.route}",
        tier=Tier.BEDROCK_ON_DEMAND,
        model=model.model_id,
        invoke_id=route.invoke_id,
        size=Size(),
        cost=priced,
        latency=shown(model, times),
        capacity=_token_capacity(model, per_minute, question),
        checks=found,
        verdict=verdict(found, priced),
        scales_to_zero=True,
        burden=1,
        commitment_months=0,
        summary=f"{model.name}, {skus.ROUTES[route.route]}, paid by the token",
        notes=_notes(model),
        extra={"route": route.route, "source_model": route.invoke_id},
    )


def _function(model: Model, route: Route, question: Question) -> Option:
    workload, values = question.workload, question.values
    own_ms, cold_ms = values["lambda.own-ms"], values["lambda.cold-start-ms-p99"]
    warm = answer_of(model, question).plus(own_ms, tail_ms=cold_ms)
    is_cold = latency.is_mostly_cold(workload)
    answer = warm.plus(values["lambda.cold-start-ms-p50"] if is_cold else 0.0)
    concurrency = _concurrency(answer, question)
    priced = cost.price(
        [*token_drafts(model, route, question), *_function_drafts(warm, question)],
        prices=question.prices,
        assumptions=(
            *assumptions(model, question),
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
        latency=shown(
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
        notes=_notes(model),
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
            needed=_concurrency(answer, question),
            question=question,
        ),
        *_function_forbids(question),
    )


def _function_drafts(answer: Times, question: Question) -> list[cost.Draft]:
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


def _function_forbids(question: Question) -> list[Check]:
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


def _concurrency(answer: Times, question: Question) -> Decimal:
    spare = question.values["lambda.free-headroom-factor"]
    running = question.workload.peak_rps * Decimal(str(answer.p50 / 1000 * spare))
    return max(running.to_integral_value(rounding="ROUND_CEILING"), Decimal(1))


def _function_capacity(concurrency: Decimal, question: Question) -> Capacity:
    limit = question.quotas.get("lambda-concurrency", concurrency)
    peak = question.workload.peak_rps
    most = peak * limit / concurrency
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=max(1 - peak / most, Decimal(0)).quantize(THOUSANDTH),
        limited_by="functions running at once",
        quota="lambda-concurrency",
        quota_needed=concurrency,
    )


def _token_quota(model: Model, per_minute: Decimal, question: Question) -> Check:
    return checks.quota(
        name=f"tokens-per-minute:{model.model_id}",
        what="quota tokens a minute at peak",
        needed=per_minute,
        question=question,
    )


def _token_capacity(model: Model, per_minute: Decimal, question: Question) -> Capacity:
    limit = question.quotas.get(f"tokens-per-minute:{model.model_id}")
    peak = question.workload.peak_rps
    most = peak * limit / per_minute if limit is not None else peak
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=max(1 - peak / most, Decimal(0)).quantize(THOUSANDTH) if most else Decimal(0),
        limited_by="the account's token quota" if limit is not None else "a quota not known here",
        quota=f"tokens-per-minute:{model.model_id}",
        quota_needed=per_minute,
    )


def _notes(model: Model) -> tuple[str, ...]:
    said = []
    if model.output_quota_burndown > 1:
        said.append(
            f"An output token counts {count(model.output_quota_burndown)} times against the "
            f"token quota ({model.burndown_source})."
        )
    if model.lifecycle_note:
        said.append(f"Lifecycle: {model.lifecycle_note}.")
    return tuple(said)
