"""SageMaker serverless inference: CPU only, small models, paid while it computes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from billing.domain import skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks, cpu
from deployments.domain.candidates.cpu import Job
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.own import custom_model
from deployments.domain.candidates.question import Question
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Option, Size, Tier
from deployments.domain.wording import count
from deployments.domain.workload import LatencyOf, Need

THOUSANDTH = Decimal("0.001")
STEP_MB = 1024
WHERE = "serverless inference"


def options(question: Question, small: Sequence[Job]) -> list[Option]:
    """Return an option for each model small enough and, for own weights, for each memory size."""
    largest = int(question.values["serverless.memory-mb-max"])
    found: list[Option] = []
    for job in small:
        least = _least_mb(job)
        if job.model.provider == "own":
            sizes = range(min(least, largest), largest + 1, STEP_MB)
            found.extend(_option(job, size, question) for size in sizes)
        elif least <= largest:
            found.append(_option(job, least, question))
    return [*found, *_of_gpu_models(question, largest)]


def _of_gpu_models(question: Question, largest: int) -> list[Option]:
    """Return own weights that need a GPU, as refused here with what comes nearest."""
    custom = question.workload.custom
    if custom is None or question.workload.need is not Need.CUSTOM_GPU:
        return []
    parameters = int(custom.parameters_billion * 10**9)
    job = cpu.job_of(custom_model(custom, question), custom.precision, question, parameters)
    return [_option(job, min(_least_mb(job), largest), question)]


def _least_mb(job: Job) -> int:
    return int(-(-job.memory_mb // STEP_MB) * STEP_MB)


def _option(job: Job, memory_mb: int, question: Question) -> Option:
    workload, values = question.workload, question.values
    answer, times = _times(job, memory_mb, question)
    concurrency = _concurrency(answer, question)
    return priced(
        Offer(
            tier=Tier.SAGEMAKER_SERVERLESS,
            model=job.model.model_id,
            name=str(memory_mb),
            size=Size(memory_mb=memory_mb, max_concurrency=int(min(concurrency, _limit(question)))),
            drafts=_drafts(memory_mb, answer, question),
            assumptions=(
                *cost.LOAD_ASSUMPTIONS,
                "Speed on CPU is assumed from memory bandwidth and compute in proportion to the "
                "memory chosen; nothing public was found.",
            ),
            latency=latency.as_latency(
                times,
                cold_start_ms=values["serverless.cold-start-ms"],
                basis="Assumed CPU speed; p99 includes a cold start.",
                as_of=question.today.isoformat(),
                confidence=cpu.ASSUMED,
            ),
            capacity=_capacity(concurrency, question),
            checks=(
                *cpu.model_checks(job, question),
                cpu.gpu_check(question, WHERE),
                _memory(job, memory_mb, int(values["serverless.memory-mb-max"])),
                checks.latency(times, workload),
                checks.payload(workload, values["serverless.payload-mb"]),
                checks.time_limit(answer, values["serverless.timeout-s"]),
                checks.quota(
                    name="serverless-concurrency",
                    what="requests at once on one endpoint at peak",
                    needed=concurrency,
                    question=question,
                ),
                *_forbids(question),
            ),
            summary=f"{job.model.name} on CPU with {memory_mb // 1024} GB, paid while it computes",
            burden=2,
            scales_to_zero=True,
            notes=(
                "No GPU, no VPC, no streaming; a first request after a pause waits for a start.",
            ),
            extra=cpu.serving(job, question),
        ),
        question,
    )


def _times(job: Job, memory_mb: int, question: Question) -> tuple[Times, Times]:
    """Return times to the last token and times the objective is about."""
    values, workload = question.values, question.workload
    share = memory_mb / values["serverless.memory-mb-max"]
    found = cpu.work(
        job,
        question,
        tflops=values["serverless.tflops"] * share,
        gb_per_s=values["serverless.gb-per-s"] * share,
    )
    overhead, cold = values["serverless.overhead-ms"], values["serverless.cold-start-ms"]
    end = _in_ms(found.typical_s, found.long_s).plus(overhead, tail_ms=cold)
    begin = _in_ms(found.first_typical_s, found.first_long_s).plus(overhead, tail_ms=cold)
    about = begin if workload.latency_of is LatencyOf.FIRST_TOKEN else end
    return end, about.plus(cold if latency.is_mostly_cold(workload) else 0.0)


def _in_ms(typical_s: float, long_s: float) -> Times:
    return Times(typical_s * 1000, long_s * 1000, long_s * 1000)


def _memory(job: Job, memory_mb: int, largest_mb: int) -> Check:
    return Check(
        "memory",
        job.memory_mb <= memory_mb,
        f"{count(job.parameters)} parameters at {job.precision} need {_least_mb(job):,} MB with "
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
