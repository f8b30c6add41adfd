"""SageMaker serverless inference: CPU only, small models, paid while it computes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from billing.domain import skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks
from deployments.domain.candidates.own import custom_model
from deployments.domain.candidates.question import Question, verdict
from deployments.domain.catalog import Model
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Option, Size, Tier
from deployments.domain.wording import count
from deployments.domain.workload import LatencyOf, Need

THOUSANDTH = Decimal("0.001")
STEP_MB = 1024
BYTES_PER_PARAMETER = {"bf16": 2, "fp16": 2, "fp8": 2, "fp32": 4, "int8": 1}  # fp8 runs as 16 bits


@dataclass(frozen=True, slots=True)
class Job:
    """A model on CPU: weights in bytes and parameters, and the memory they need in MB."""

    model: Model
    precision: str
    parameters: int
    weights_bytes: int
    memory_mb: int


def options(question: Question) -> list[Option]:
    """Return an option for each model small enough to be worth asking, and for own weights."""
    jobs = [_job(model, "bf16", question) for model in question.weights()]
    largest = question.values["serverless.memory-mb-max"]
    small = [job for job in jobs if job.memory_mb <= largest]
    custom = question.workload.custom
    if custom is not None:
        own = custom_model(custom, question)
        parameters = int(custom.parameters_billion * 10**9)
        small.append(_job(own, custom.precision, question, parameters))
    return [_option(job, question) for job in small]


def _job(model: Model, precision: str, question: Question, parameters: int | None = None) -> Job:
    known = model.architecture.parameters if model.architecture else 0
    each = known if parameters is None else parameters
    weights = each * BYTES_PER_PARAMETER[precision]
    values = question.values
    needed = weights / 1e6 * values["serverless.memory-over-weights"]
    steps = -(-(needed + values["serverless.runtime-mb"]) // STEP_MB)
    return Job(model, precision, each, weights, int(steps * STEP_MB))


def _option(job: Job, question: Question) -> Option:
    values, workload = question.values, question.workload
    memory_mb = min(job.memory_mb, int(values["serverless.memory-mb-max"]))
    answer, times = _times(job, memory_mb, question)
    concurrency = _concurrency(answer, question)
    priced = cost.price(
        _drafts(memory_mb, answer, question),
        prices=question.prices,
        assumptions=(
            *cost.LOAD_ASSUMPTIONS,
            "Speed on CPU is assumed from memory bandwidth and compute in proportion to the "
            "memory chosen; nothing public was found.",
            *workload.assumptions,
        ),
    )
    found = _checks(job, times, answer, question)
    return Option(
        option_id=f"{Tier.SAGEMAKER_SERVERLESS}/{job.model.model_id}/{memory_mb}",
        tier=Tier.SAGEMAKER_SERVERLESS,
        model=job.model.model_id,
        invoke_id="",
        size=Size(memory_mb=memory_mb, max_concurrency=int(min(concurrency, _limit(question)))),
        cost=priced,
        latency=latency.as_latency(
            times,
            cold_start_ms=values["serverless.cold-start-ms"],
            basis="Assumed CPU speed; p99 includes a cold start.",
            as_of=question.today.isoformat(),
            confidence="none: assumed, measure before relying",
        ),
        capacity=_capacity(concurrency, question),
        checks=found,
        verdict=verdict(found, priced),
        scales_to_zero=True,
        burden=2,
        commitment_months=0,
        summary=f"{job.model.name} on CPU with {memory_mb // 1024} GB, paid while it computes",
        notes=("No GPU, no VPC, no streaming; a first request after a pause waits for a start.",),
        extra=_extra(job, question),
    )


def _checks(job: Job, times: Times, answer: Times, question: Question) -> tuple[Check, ...]:
    workload, values = question.workload, question.values
    return (
        *_model_checks(job, question),
        _cpu(question),
        _memory(job, int(values["serverless.memory-mb-max"])),
        checks.latency(times, workload),
        checks.payload(workload, values["serverless.payload-mb"]),
        checks.time_limit(answer, values["serverless.timeout-s"]),
        checks.quota(
            name="serverless-concurrency",
            what="requests at once on one endpoint at peak",
            needed=_concurrency(answer, question),
            question=question,
        ),
        *_forbids(question),
    )


def _times(job: Job, memory_mb: int, question: Question) -> tuple[Times, Times]:
    """Return times to the last token and times the objective is about."""
    values, workload = question.values, question.workload
    share = memory_mb / values["serverless.memory-mb-max"]
    flops = values["serverless.tflops"] * 1e12 * share
    read_ms = job.weights_bytes / (values["serverless.gb-per-s"] * 1e9 * share) * 1000

    def first(tokens: float) -> float:
        return max(2.0 * job.parameters * tokens / flops * 1000, read_ms)

    typical = latency.mean_shape(workload, job.model)
    long = latency.tail_shape(workload, job.model)
    overhead, cold = values["serverless.overhead-ms"], values["serverless.cold-start-ms"]
    begin = Times(first(typical.input_tokens), first(long.input_tokens), first(long.input_tokens))
    step = max(read_ms, 2.0 * job.parameters / flops * 1000)
    end = Times(
        begin.p50 + (typical.output_tokens - 1) * step,
        begin.p95 + (long.output_tokens - 1) * step,
        begin.p99 + (long.output_tokens - 1) * step,
    ).plus(overhead, tail_ms=cold)
    to_first = workload.latency_of is LatencyOf.FIRST_TOKEN
    about = begin.plus(overhead, tail_ms=cold) if to_first else end
    return end, about.plus(cold if latency.is_mostly_cold(workload) else 0.0)


def _model_checks(job: Job, question: Question) -> list[Check]:
    if job.model.provider == "own":
        return []
    return checks.of_model(job.model, question)


def _cpu(question: Question) -> Check:
    needs = question.workload.need is Need.CUSTOM_GPU
    word = "needs a GPU" if needs else "does not need a GPU"
    return Check("gpu", not needs, f"The model {word}; serverless inference has none.")


def _memory(job: Job, largest_mb: int) -> Check:
    return Check(
        "memory",
        job.memory_mb <= largest_mb,
        f"{count(job.parameters)} parameters at {job.precision} need {job.memory_mb:,} MB with "
        f"the runtime; serverless inference has at most {largest_mb:,} MB.",
    )


def _forbids(question: Question) -> list[Check]:
    return [
        *checks.forbids(
            "streaming",
            question.workload.needs_streaming,
            "The answer is to be streamed; serverless inference hands it over whole.",
        ),
        *checks.forbids(
            "network",
            question.workload.vpc_only,
            "Only the VPC may reach it; serverless inference has no VPC.",
        ),
    ]


def _drafts(memory_mb: int, answer: Times, question: Question) -> list[cost.Draft]:
    gigabytes = memory_mb / 1024
    workload = question.workload
    typical = Decimal(str(round(answer.p50 / 1000 * gigabytes, 6)))
    slow = Decimal(str(round(answer.p95 / 1000 * gigabytes, 6)))
    data = Decimal(workload.payload_bytes) / 10**9
    drafts = [
        cost.by_load(
            workload,
            label="Memory while it computes",
            sku=skus.serverless_memory(),
            mean=typical,
            high=slow,
        )
    ]
    if workload.payload_bytes:
        drafts.append(
            cost.by_load(
                workload, label="Data in", sku=skus.serverless_data(), mean=data, high=data
            )
        )
    return drafts


def _concurrency(answer: Times, question: Question) -> Decimal:
    running = question.workload.peak_rps * Decimal(str(answer.p50 / 1000))
    return max(running.to_integral_value(rounding=ROUND_CEILING), Decimal(1))


def _limit(question: Question) -> Decimal:
    known = Decimal(str(question.values["serverless.concurrency"]))
    return question.quotas.get("serverless-concurrency", known)


def _capacity(concurrency: Decimal, question: Question) -> Capacity:
    peak = question.workload.peak_rps
    most = peak * _limit(question) / concurrency
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=max(1 - peak / most, Decimal(0)).quantize(THOUSANDTH),
        limited_by="requests at once",
        quota="serverless-concurrency",
        quota_needed=concurrency,
    )


def _extra(job: Job, question: Question) -> dict[str, str]:
    custom = question.workload.custom
    is_own = custom is not None and job.model.provider == "own"
    return {
        "image": question.catalog.image("transformers-cpu").uri,
        "weights_s3": custom.weights_s3_uri if custom is not None and is_own else "",
        "hub_model": job.model.hub_id,
        "precision": job.precision,
    }
