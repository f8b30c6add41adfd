"""Small models on CPUs: what memory they need, how long they take, how many serve a peak. Pure.

One request is worked on at a time with all vCPUs of a machine; requests queue as M/D/1, whose
waits fall off as P(W > t) = u * exp(-2 * (1 - u) * t / s) at utilisation u and service time s.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from math import log

from deployments.domain import latency
from deployments.domain.candidates import seats
from deployments.domain.candidates.own import custom_model
from deployments.domain.candidates.question import Question
from deployments.domain.catalog import Model
from deployments.domain.latency import Times
from deployments.domain.options import Check
from deployments.domain.wording import count
from deployments.domain.workload import LatencyOf, Need

THOUSANDTH = Decimal("0.001")
BYTES_PER_PARAMETER = {"bf16": 2, "fp16": 2, "fp8": 2, "fp32": 4, "int8": 1}  # fp8 runs as 16 bits
LARGEST_PARAMETERS = 3_000_000_000  # beyond that a CPU answers in minutes
ASSUMED = "none: assumed, measure before relying"
SPEED_ASSUMPTION = (
    "Speed on CPU is assumed from memory bandwidth and compute in proportion to the vCPUs, one "
    "request at a time; nothing public was found."
)
_UTILISATIONS = (0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True, slots=True)
class Job:
    """A model on CPU: its weights in bytes, its parameters, and the memory it needs in MB."""

    model: Model
    precision: str
    parameters: int
    weights_bytes: int
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds of one request alone on a machine: the mean, and one of p95 lengths."""

    typical_s: float
    long_s: float
    first_typical_s: float  # until the first token
    first_long_s: float


@dataclass(frozen=True, slots=True)
class CpuPlan:
    """How many machines (or tasks) serve the peak one request at a time, and how fast."""

    work: Work
    planned_rps: float
    saturation_rps: float
    replicas: int
    times: Times
    answer: Times


def jobs(question: Question) -> tuple[Job, ...]:
    """Return the models that may run without a GPU: own ones, and small open ones."""
    found = [job_of(model, "bf16", question) for model in question.weights()]
    small = [job for job in found if job.parameters <= LARGEST_PARAMETERS]
    custom = question.workload.custom
    if custom is not None and question.workload.need is Need.CUSTOM_CPU:
        own = custom_model(custom, question)
        parameters = int(custom.parameters_billion * 10**9)
        small.append(job_of(own, custom.precision, question, parameters))
    return tuple(small)


def job_of(model: Model, precision: str, question: Question, parameters: int | None = None) -> Job:
    """Return a model with the memory it needs; `parameters` where they are not the catalog's."""
    known = model.architecture.parameters if model.architecture else 0
    each = known if parameters is None else parameters
    weights = each * BYTES_PER_PARAMETER[precision]
    values = question.values
    needed = weights / 1e6 * values["cpu.memory-over-weights"] + values["cpu.runtime-mb"]
    return Job(model, precision, each, weights, needed)


def work(job: Job, question: Question, *, tflops: float, gb_per_s: float) -> Work:
    """Return how long requests take at a compute rate and a memory bandwidth."""
    flops = tflops * 1e12
    read_s = job.weights_bytes / (gb_per_s * 1e9)
    step_s = max(read_s, 2.0 * job.parameters / flops)
    typical = latency.mean_shape(question.workload, job.model)
    long = latency.tail_shape(question.workload, job.model)

    def first(tokens: float) -> float:
        return max(2.0 * job.parameters * tokens / flops, read_s)

    return Work(
        first(typical.input_tokens) + (typical.output_tokens - 1) * step_s,
        first(long.input_tokens) + (long.output_tokens - 1) * step_s,
        first(typical.input_tokens),
        first(long.input_tokens),
    )


def work_on(job: Job, vcpus: int, question: Question) -> Work:
    """Return how long requests take on so many vCPUs."""
    values = question.values
    return work(
        job,
        question,
        tflops=values["cpu.tflops-per-vcpu"] * vcpus,
        gb_per_s=values["cpu.gb-per-s-per-vcpu"] * vcpus,
    )


def plan(found: Work, question: Question, *, overhead_ms: float, least: int) -> CpuPlan:
    """Return machines = ceil(peak * seconds / utilisation), at least `least`.

    The utilisation is the highest of at most 60 % that holds the latency objective.
    """
    workload, peak = question.workload, float(question.workload.peak_rps)
    percentile = workload.latency_percentile
    highest = question.values["cpu.planned-utilisation"]
    tried = [each for each in _UTILISATIONS if each <= highest]
    held = next(
        (
            each
            for each in tried
            if _times(found, each, overhead_ms, question).at(percentile) <= workload.latency_ms
        ),
        tried[0],
    )
    replicas = max(_ceiling(peak * found.typical_s / held), least)
    busy = min(peak * found.typical_s / replicas, 0.999)
    return CpuPlan(
        work=found,
        planned_rps=held / found.typical_s,
        saturation_rps=1 / found.typical_s,
        replicas=replicas,
        times=_times(found, busy, overhead_ms, question),
        answer=_queued(found, busy, (found.typical_s, found.long_s), overhead_ms),
    )


def memory_check(job: Job, gib: float, where: str) -> Check:
    """Compare what a model needs with what a machine has, less a tenth for the system."""
    usable_mb = gib * 1024 * 0.9
    return Check(
        "memory",
        job.memory_mb <= usable_mb,
        f"{count(job.parameters)} parameters at {job.precision} need {job.memory_mb:,.0f} MB with "
        f"the runtime; {where} leaves {usable_mb:,.0f} MB.",
    )


def gpu_check(question: Question, where: str) -> Check:
    """Refuse a model that needs a GPU where there is none."""
    needs = question.workload.need is Need.CUSTOM_GPU
    if needs:
        said = (
            f"The model needs a GPU; {where} has none. The nearest is a SageMaker endpoint with a "
            "GPU, or asynchronous inference, which may sleep when idle."
        )
        return Check("gpu", False, said)
    return Check("gpu", True, f"The model does not need a GPU; {where} has none.")


def model_checks(job: Job, question: Question) -> list[Check]:
    """Return the checks of the model; a team answers for its own."""
    return seats.of_weights(job.model, question)


def serving(job: Job, question: Question) -> dict[str, str]:
    """Return what a launch needs to know: image, weights and precision."""
    custom = question.workload.custom
    is_own = custom is not None and job.model.provider == "own"
    return {
        "image": question.catalog.image("transformers-cpu").uri,
        "weights_s3": custom.weights_s3_uri if custom is not None and is_own else "",
        "hub_model": job.model.hub_id,
        "precision": job.precision,
    }


def _times(found: Work, busy: float, overhead_ms: float, question: Question) -> Times:
    to_first = question.workload.latency_of is LatencyOf.FIRST_TOKEN
    begun, ended = (found.first_typical_s, found.first_long_s), (found.typical_s, found.long_s)
    return _queued(found, busy, begun if to_first else ended, overhead_ms)


def _queued(found: Work, busy: float, until_s: tuple[float, float], overhead_ms: float) -> Times:
    def wait_s(tail: float) -> float:
        if busy <= tail:
            return 0.0
        return found.typical_s / (2 * (1 - busy)) * log(busy / tail)

    typical_s, long_s = until_s
    return Times(
        (typical_s + wait_s(0.5)) * 1000 + overhead_ms,
        (long_s + wait_s(0.05)) * 1000 + overhead_ms,
        (long_s + wait_s(0.01)) * 1000 + overhead_ms,
    )


def _ceiling(number: float) -> int:
    return int(Decimal(str(number)).to_integral_value(rounding=ROUND_CEILING))
