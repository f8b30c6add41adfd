"""Every way to run a model on every machine, and how much one copy carries of a load. Pure.

Closed form, tens of microseconds a candidate: it searches by the number of requests under way, so
that no fixed point is needed (Little's law gives the rate).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

from deployments.domain.planner import calibration, intervals, memory, parallelism, queueing, speed
from deployments.domain.planner.calibration import Scale
from deployments.domain.planner.facts import Precision, ServingFacts, ServingMachine
from deployments.domain.planner.memory import Batching, Replica
from deployments.domain.planner.parallelism import Layout
from deployments.domain.planner.queueing import Lengths
from deployments.domain.planner.request import LoadPoint, PlanRequest
from deployments.domain.planner.result import MemoryParts
from deployments.domain.planner.simulation import NORMAL, Spread
from deployments.domain.planner.speed import Speed

SEQUENCES = (256, 128, 64, 32, 16, 8)
OFFERED = ("bf16", "fp8", "int4", "nvfp4")  # when a request names none
ROUNDS = 10
SPREAD_OF_BATCH = 0.7  # how much of the batch's own spread one answer meets
MOST_BUSY = 0.95  # with prompts
LAST = 0.999  # share of requests that the longest context is for
CONTEXT_STEP = 256


@dataclass(frozen=True, slots=True)
class Task:
    """A request's load in the terms of the model: lengths at the mean and at percentiles."""

    request: PlanRequest
    prompts: Spread
    outputs: Spread
    lengths: Lengths
    longest: int  # tokens of prompt and answer together

    @property
    def share(self) -> float:
        """The objective's percentile as a share of one."""
        return self.request.latency_percentile / 100

    @property
    def outputs_at(self) -> float:
        """Output tokens at the objective's percentile."""
        return self.outputs.at(self.share)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One copy of the model on one kind of machine, not yet loaded."""

    machine: ServingMachine
    replica: Replica
    layout: Layout
    batching: Batching
    memory: MemoryParts
    speed: Speed
    scale: Scale
    fits: float  # requests of mean length in memory at once
    kv_tokens: int

    @property
    def label(self) -> str:
        """As in `ml.p5.48xlarge fp8 TP4 x 2`."""
        staged = f" PP{self.layout.pipeline}" if self.layout.pipeline > 1 else ""
        kept = f"{self.replica.precision.name} TP{self.layout.tensor}{staged}"
        return f"{self.machine.instance_type} {kept} x {self.layout.copies}"


def task(request: PlanRequest) -> Task:
    """Return a request's load as lengths."""
    most = request.max_output_tokens
    prompts = Spread(request.input_tokens_mean, request.input_tokens_p95)
    outputs = Spread(request.output_tokens_mean, request.output_tokens_p95, most)
    mean = min(float(request.output_tokens_mean), outputs.mean_within())
    lengths = Lengths(request.input_tokens_mean, mean, float(request.prefix_cached_share))
    longest = prompts.at(LAST) + outputs.at(LAST)
    rounded = int(longest / CONTEXT_STEP + 1) * CONTEXT_STEP
    return Task(request, prompts, outputs, lengths, min(rounded, request.architecture.max_context))


def candidates(
    *, asked: Task, facts: ServingFacts, points: Sequence[LoadPoint]
) -> Iterator[Candidate]:
    """Yield every candidate, those that do not fit too."""
    wanted = asked.request.instance_types
    for machine in facts.machines:
        if wanted and machine.instance_type not in wanted:
            continue
        gpu = facts.accelerator[machine.accelerator]
        own = facts.engine["neuron"] if gpu.generation == "neuron" else None
        engine = own or facts.engine[asked.request.engine]
        model = asked.request.architecture
        for layout in parallelism.layouts(
            architecture=model, gpus=machine.gpus, is_nvlink=gpu.is_nvlink
        ):
            for kept in precisions(asked.request, gpu.generation, facts):
                replica = Replica(model, gpu, kept, engine, layout.tensor, layout.pipeline)
                yield _candidate(machine, replica, layout, asked, facts.values, points)


def precisions(request: PlanRequest, generation: str, facts: ServingFacts) -> list[Precision]:
    """Return the precisions to try: the model's own, those asked for, those the GPU can."""
    own = request.architecture.checkpoint_precision
    offered = request.precisions or _offered(own)
    return [
        facts.precision[name]
        for name in offered
        if not facts.precision[name].needs or generation in facts.precision[name].needs
    ]


def _offered(own: str) -> tuple[str, ...]:
    if own == "mxfp4":
        return (own,)
    return tuple(name for name in OFFERED if not (own and name == "bf16"))


def rate_within(*, candidate: Candidate, asked: Task, share: float) -> float:
    """Return the most requests/s of one copy within the objectives; 0.0 when none is.

    `share` is the most of saturation to plan with.
    """
    if candidate.fits < 1 or not holds(candidate=candidate, asked=asked, batch=0.0):
        return 0.0
    most = min(candidate.fits, float(candidate.batching.max_num_seqs))
    ceiling = share * saturation(candidate=candidate, asked=asked)
    low, high = 0.0, most
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        is_within = rate_at(candidate=candidate, asked=asked, batch=middle) <= ceiling
        if is_within and holds(candidate=candidate, asked=asked, batch=middle):
            low = middle
        else:
            high = middle
    return rate_at(candidate=candidate, asked=asked, batch=low)


def saturation(*, candidate: Candidate, asked: Task) -> float:
    """Return the most requests/s of one copy, whatever the times."""
    most = min(candidate.fits, float(candidate.batching.max_num_seqs))
    return queueing.saturation_rps(speed=candidate.speed, lengths=asked.lengths, fits=most)


def rate_at(*, candidate: Candidate, asked: Task, batch: float) -> float:
    """Return requests/s at which so many are under way on average."""
    if batch <= 0:
        return 0.0
    found = queueing.at_batch(speed=candidate.speed, lengths=asked.lengths, batch=max(batch, 1.0))
    return batch / found.e2e_s


def times(*, candidate: Candidate, asked: Task, batch: float) -> tuple[float, float, float]:
    """Return seconds with `batch` others under way: first token and whole answer at the
    objective's percentile, and time per output token on average."""
    deviations = NORMAL.inv_cdf(asked.share) if asked.share > 0.5 else 0.0
    usual = queueing.at_batch(speed=candidate.speed, lengths=asked.lengths, batch=1 + batch)
    crowded = 1 + batch + SPREAD_OF_BATCH * deviations * sqrt(batch)
    there = queueing.at_batch(speed=candidate.speed, lengths=asked.lengths, batch=crowded)
    longer = candidate.speed.mixed_prefill_s(asked.prompts.at(asked.share))
    prompt = max(longer - candidate.speed.mixed_prefill_s(asked.lengths.prompt), 0.0)
    first = there.ttft_s * candidate.scale.first + prompt
    whole = first + max(asked.outputs_at - 1, 0.0) * there.tpot_s
    queued = _queued_s(candidate, asked, batch) - there.waiting_s
    return first + max(queued, 0.0), whole, usual.tpot_s


def _queued_s(candidate: Candidate, asked: Task, batch: float) -> float:
    """Seconds behind other prompts at the objective's percentile (exponential tail of M/D/1)."""
    if batch <= 0:
        return 0.0
    each = candidate.speed.mixed_prefill_s(asked.lengths.prefilled) / candidate.speed.groups
    busy = min(rate_at(candidate=candidate, asked=asked, batch=batch) * each, MOST_BUSY)
    beyond = busy / (1 - asked.share)
    return 0.5 * each / (1 - busy) * log(beyond) if beyond > 1 else 0.0


def holds(*, candidate: Candidate, asked: Task, batch: float) -> bool:
    """Whether all latency objectives hold with so many under way."""
    wish = asked.request
    first, whole, token = times(candidate=candidate, asked=asked, batch=batch)
    meant = first if wish.latency_of == "first-token" else whole
    return (
        meant * 1000 <= wish.latency_ms
        and (wish.ttft_ms is None or first * 1000 <= wish.ttft_ms)
        and (wish.tpot_ms is None or token * 1000 <= wish.tpot_ms)
    )


def _candidate(
    machine: ServingMachine,
    replica: Replica,
    layout: Layout,
    asked: Task,
    values: Mapping[str, float],
    points: Sequence[LoadPoint],
) -> Candidate:
    batching, parts, fits = _batching(replica, asked, values)
    found = speed.of(replica=replica, values=values)
    point = calibration.matching(replica=replica, points=points) if points else None
    scale = calibration.scale_of(point=point, speed=found, fits=fits) if point else Scale()
    return Candidate(
        machine=machine,
        replica=replica,
        layout=layout,
        batching=batching,
        memory=parts,
        speed=calibration.scaled(found, scale) if point else found,
        scale=scale,
        fits=fits,
        kv_tokens=memory.kv_tokens(replica=replica, memory=parts),
    )


def _batching(
    replica: Replica, asked: Task, values: Mapping[str, float]
) -> tuple[Batching, MemoryParts, float]:
    """Choose `max_num_seqs`: each costs profiling memory that the cache could use."""
    context = asked.lengths.prompt + asked.lengths.output
    best: tuple[Batching, MemoryParts, float] | None = None
    for count in SEQUENCES:
        batching = Batching(count, step_tokens(replica))
        parts = memory.parts(replica=replica, batching=batching, values=values)
        held = memory.sequences(replica=replica, memory=parts, context=context)
        if best is None or min(held, count) > min(best[2], best[0].max_num_seqs):
            best = (batching, parts, held)
        if held >= count:
            break
    assert best is not None
    return best


def step_tokens(replica: Replica) -> int:
    """Return the engine's default of tokens a step: more on GPUs with more memory."""
    gpu = replica.accelerator
    if gpu.memory_gb >= 160:
        return 16384
    return 8192 if gpu.memory_gb >= 70 and gpu.generation != "ampere" else 2048


def confidence(candidate: Candidate) -> str:
    """Return how well the candidate's prediction is backed."""
    if candidate.scale.is_measured:
        return intervals.MEASURED
    return intervals.confidence(replica=candidate.replica)
