"""SageMaker asynchronous inference and batch transform: paid while they work. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil

from billing.domain import compute_skus, skus
from deployments.domain import cost
from deployments.domain.candidates import checks, gpu, runner, spread
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.runner import Runner
from deployments.domain.latency import Times
from deployments.domain.options import Check, Option, Size, Tier
from deployments.domain.wording import count, milliseconds
from deployments.domain.workload import Pattern, Workload

# TransformInstanceType of botocore 1.44.5: no p4, p5, p6, g7, g7e or trn2.
TRANSFORM_FAMILIES = ("g4dn", "g5", "g6", "g6e", "c5", "c7i", "m5")
QUEUED = (Pattern.ASYNCHRONOUS, Pattern.BATCH, Pattern.EVENT_DRIVEN)
_BYTES_PER_TOKEN = 4
_HIGH_LOAD = Decimal("1.2")
_DAYS_KEPT = Decimal(1)


def asynchronous(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return a queue in front of each runner: asleep when idle, and with one machine kept warm."""
    asleep = [_queue(each, question, least=0) for each in found]
    if question.workload.pattern not in QUEUED:
        return asleep
    return [*asleep, *(_queue(each, question, least=1) for each in found)]


def transform(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return a job on each runner's machine that batch transform offers."""
    return [_job(each, question) for each in found if has_transform(each.instance_type)]


def has_transform(instance_type: str) -> bool:
    """Say whether batch transform runs on an instance type."""
    return instance_type.removeprefix("ml.").partition(".")[0] in TRANSFORM_FAMILIES


def _queue(each: Runner, question: Question, *, least: int) -> Option:
    workload, values = question.workload, question.values
    most = runner.for_peak(each, workload, least=1)
    sleeping = _awake(each, question)
    cold = sleeping.cold_share if least == 0 else 0.0
    times = _woken(each.times, values["async.overhead-ms"], each.start_s, cold)
    answer = each.answer
    name = f"{each.instance_type}/{each.precision}{'' if least == 0 else '/warm'}"
    return priced(
        Offer(
            tier=Tier.SAGEMAKER_ASYNCHRONOUS,
            model=each.model_id,
            name=name,
            size=Size(instance_type=each.instance_type, max_instances=most),
            drafts=[_hours(each, question, least=least), *storage(question)],
            assumptions=(
                "A month has 730 hours.",
                spread.shape_in_words(workload),
                _sleep_in_words(each, sleeping, question) if least == 0 else _KEPT_WARM,
                "High: a fifth more load, and the first instance never sleeps.",
                *((each.note,) if each.note else ()),
            ),
            latency=runner.shown(
                each, times, start_s=each.start_s, more="With the queue and its wake-ups."
            ),
            capacity=runner.backlog(runner.capacity(each, most, question)),
            checks=(
                *each.fits,
                _pattern(question),
                checks.latency(times, workload),
                checks.payload(workload, values["async.payload-mb"]),
                checks.time_limit(answer, values["async.timeout-s"]),
                gpu.endpoint_quota(each.instance_type, most, question),
                *_no_stream(question, "asynchronous inference"),
            ),
            summary=f"{each.on} behind a queue, 0 to {most} x {each.instance_type}"
            if least == 0
            else f"{each.on} behind a queue, {least} to {most} x {each.instance_type}",
            burden=3,
            scales_to_zero=least == 0,
            notes=("Requests and answers go through S3; a notice says when one is ready.",),
            extra={**runner.sizing(each, question), "instances_least": str(least)},
        ),
        question,
    )


def _awake(each: Runner, question: Question, load: Decimal = Decimal(1)) -> spread.Awake:
    return spread.awake(
        _scaled(question, load),
        rps_each=each.planned_rps,
        start_s=each.start_s,
        idle_s=question.values["async.idle-s"],
    )


def _hours(each: Runner, question: Question, *, least: int) -> cost.Draft:
    if least == 0:
        expected = _awake(each, question).instance_hours
        low = _awake(each, question, cost.LOW_LOAD).instance_hours
    else:
        expected = spread.following(question.workload, rps_each=each.planned_rps, least=least)
        low = expected
    heavier = _scaled(question, _HIGH_LOAD)
    high = spread.following(heavier, rps_each=each.planned_rps, least=1)
    return cost.Draft(
        label=f"{each.instance_type} while on",
        sku=skus.instance(instance_type=each.instance_type),
        low=spread.seconds(min(low, expected)),
        expected=spread.seconds(expected),
        high=spread.seconds(max(expected, high)),
    )


def _scaled(question: Question, load: Decimal) -> Workload:
    workload = question.workload
    return replace(workload, mean_rps=workload.mean_rps * load, peak_rps=workload.peak_rps * load)


_KEPT_WARM = "One machine stays on for the next request; the others follow the load."


def _sleep_in_words(each: Runner, sleeping: spread.Awake, question: Question) -> str:
    return (
        f"Asleep after {question.values['async.idle-s']:g} s without a request, ready "
        f"{milliseconds(each.start_s * 1000)} after the next: {sleeping.instance_hours:,.1f} "
        f"instance-hours a month, and {sleeping.cold_share * 100:.1f} % of requests wait for a "
        "start."
    )


def _woken(times: Times, overhead_ms: float, start_s: float, cold: float) -> Times:
    """Return the times through the queue; a percentile waits for a start when that many do."""
    share = spread.cold_times(cold)
    start_ms = start_s * 1000
    return Times(
        times.p50 + overhead_ms + start_ms * share(0.5),
        times.p95 + overhead_ms + start_ms * share(0.05),
        times.p99 + overhead_ms + start_ms * share(0.01),
    )


def storage(question: Question) -> list[cost.Draft]:
    """Return the S3 lines of a request and an answer kept a day: two writes and two reads."""
    workload = question.workload
    text = (workload.input_tokens_mean + workload.output_tokens_mean) * _BYTES_PER_TOKEN
    kept = Decimal(workload.payload_bytes + text) / 10**9 * _DAYS_KEPT / Decimal("30.4")
    two = Decimal(2)
    writes, reads = compute_skus.s3_writes(), compute_skus.s3_reads()
    return [
        cost.by_load(workload, label="S3 writes", sku=writes, mean=two, high=two),
        cost.by_load(workload, label="S3 reads", sku=reads, mean=two, high=two),
        cost.by_load(
            workload, label="S3 storage", sku=compute_skus.s3_storage(), mean=kept, high=kept
        ),
    ]


def _pattern(question: Question) -> Check:
    pattern = question.workload.pattern
    holds = pattern in QUEUED
    said = f"Answers come through S3, not to the caller who waits; the pattern is {pattern.value}"
    return Check(
        "pattern", holds, f"{said}." if holds else f"{said}: the nearest is a real-time endpoint."
    )


def _no_stream(question: Question, where: str) -> list[Check]:
    said = f"The answer is to be streamed; {where} hands it over whole."
    return checks.forbids("streaming", question.workload.needs_streaming, said)


def _job(each: Runner, question: Question) -> Option:
    workload, values = question.workload, question.values
    machines, job_s, start_s = _size(each, question)
    spread_of_start = start_s * (values["transform.start-p99-over-p50"] - 1) * 1000
    end_ms = job_s * 1000
    times = Times(end_ms, end_ms + spread_of_start / 2, end_ms + spread_of_start)
    runs = spread.runs_per_month(workload)
    return priced(
        Offer(
            tier=Tier.SAGEMAKER_BATCH_TRANSFORM,
            model=each.model_id,
            name=f"{each.instance_type}/{each.precision}",
            size=Size(instance_type=each.instance_type, max_instances=machines),
            drafts=[_job_draft(each, machines, job_s, start_s, runs), *storage_of_jobs(question)],
            assumptions=(
                f"{runs:.1f} jobs a month: one for each time the load starts from nothing.",
                f"Each job holds {machines} instance{'s' if machines > 1 else ''} for "
                f"{milliseconds(end_ms)}, of which {milliseconds(start_s * 1000)} are its start.",
                "The time counts from the start of the job until its output is in S3.",
                "High: a fifth more work, and every start takes twice as long.",
                *((each.note,) if each.note else ()),
            ),
            latency=runner.shown(
                each, times, start_s=start_s, more="From the start of the job to its output."
            ),
            capacity=runner.in_hand(
                runner.capacity(each, max(machines, 1), question), times, question
            ),
            checks=(
                *each.fits,
                _whole_sets(question),
                _in_time(times, start_s, question),
                checks.payload(workload, values["transform.payload-mb"]),
                checks.time_limit(each.answer, values["transform.timeout-s"]),
                _instances(machines, values["transform.instances-max"]),
                *_no_stream(question, "a job"),
            ),
            summary=f"{each.on} as a job on {machines} x {each.instance_type}",
            burden=2,
            scales_to_zero=True,
            notes=("Weights come packed (model.tar.gz): jobs take no ModelDataSource.",),
            extra=runner.sizing(each, question),
        ),
        question,
    )


def _size(each: Runner, question: Question) -> tuple[int, float, float]:
    """Return instances, seconds of a job, and seconds of its start.

    The instances are the fewest that end in time, at most what a job may hold.
    """
    workload, values = question.workload, question.values
    start_s = values["transform.start-s"] + max(
        each.start_s - values["gpu.start-s" if each.gpus else "cpu.start-s"], 0.0
    )
    records = float(workload.requests_per_month) / spread.runs_per_month(workload)
    work_s = records / (each.saturation_rps * values["transform.utilisation"])
    tail = {50: 0.0, 95: 0.5, 99: 1.0}[workload.latency_percentile]
    slow_start = start_s * (1 + tail * (values["transform.start-p99-over-p50"] - 1))
    left_s = workload.latency_ms / 1000 - slow_start
    most = int(values["transform.instances-max"])
    wanted = min(max(ceil(work_s / left_s), 1), most) if left_s > 0 else 1
    return wanted, start_s + work_s / wanted, start_s


def _job_draft(
    each: Runner, instances: int, job_s: float, start_s: float, runs: float
) -> cost.Draft:
    held = instances * job_s * runs
    work = instances * (job_s - start_s) * runs
    started = held - work
    return cost.Draft(
        label=f"{each.instance_type} in jobs",
        sku=skus.instance(instance_type=each.instance_type),
        low=Decimal(round(started + 0.8 * work)),
        expected=Decimal(round(held)),
        high=Decimal(round(2 * started + 1.2 * work)),
    )


def storage_of_jobs(question: Question) -> list[cost.Draft]:
    """Return the S3 line of a job's data, in and out, kept a day."""
    return storage(question)[2:]


def _whole_sets(question: Question) -> Check:
    pattern = question.workload.pattern
    holds = pattern is Pattern.BATCH
    said = f"A job works through a whole data set; the pattern is {pattern.value}"
    nearest = "a real-time endpoint or asynchronous inference"
    return Check("pattern", holds, f"{said}." if holds else f"{said}: the nearest is {nearest}.")


def _in_time(times: Times, start_s: float, question: Question) -> Check:
    workload = question.workload
    found = times.at(workload.latency_percentile)
    said = (
        f"Estimated {milliseconds(found)} at p{workload.latency_percentile}, of which "
        f"{milliseconds(start_s * 1000)} pass before the first record; the objective is "
        f"{milliseconds(workload.latency_ms)}"
    )
    if found <= workload.latency_ms:
        return Check("latency", True, f"{said}.")
    return Check(
        "latency", False, f"{said}: the nearest is asynchronous inference with a machine kept warm."
    )


def _instances(wanted: int, most: float) -> Check:
    return Check(
        "instances",
        wanted <= most,
        f"A job on {count(wanted)} instances; it may hold {most:g}.",
    )
