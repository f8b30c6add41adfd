"""One way to run a model on one kind of machine, with or without a GPU, sized for the peak. Pure.

What endpoints, queues, jobs and containers share: how fast, how many, from when ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from billing.domain import skus
from deployments.domain import latency
from deployments.domain.candidates import cpu, seats
from deployments.domain.candidates.cpu import Job
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.seats import Seat
from deployments.domain.catalog import CpuMachine
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Latency
from deployments.domain.workload import Need, Workload

THOUSANDTH = Decimal("0.001")
KEPT = 2  # runners of each model that the tiers besides real-time endpoints offer


@dataclass(frozen=True, slots=True)
class Runner:
    """A model on a kind of machine: rates are requests/s of one machine, `start_s` until ready.

    `fits` are the checks of the model and of its memory; `times` are until what the objective is
    about and `answer` until the last token, both at the peak over `replicas` machines.
    """

    model_id: str
    name: str
    precision: str
    instance_type: str
    planned_rps: float
    saturation_rps: float
    replicas: int
    times: Times
    answer: Times
    start_s: float
    fits: tuple[Check, ...]
    serving: Mapping[str, str]
    basis: str
    as_of: str
    confidence: str
    limited_by: str
    gpus: int = 0
    gpu: str = ""
    vcpus: int = 0
    memory_gib: float = 0.0
    weights_gb: float = 0.0
    note: str = ""

    @property
    def ec2_type(self) -> str:
        """The EC2 name of the machine."""
        return self.instance_type.removeprefix("ml.")

    @property
    def on(self) -> str:
        """The model and its precision, as an option's summary begins."""
        where = f"at {self.precision}" if self.gpus else "on CPU"
        return f"{self.name} {where}"


def of_seat(seat: Seat, question: Question) -> Runner:
    """Return a GPU seat as a runner. Raises ValueError for one that does not hold its model."""
    made, machine = seat.made, seat.machine
    if made is None:
        raise ValueError(f"{seat.model.model_id} does not fit {machine.instance_type}.")
    return Runner(
        model_id=seat.model.model_id,
        name=seat.model.name,
        precision=seat.engine.precision,
        instance_type=machine.instance_type,
        planned_rps=made.planned_rps,
        saturation_rps=made.saturation_rps,
        replicas=made.replicas,
        times=made.times,
        answer=made.answer,
        start_s=seats.ready_s(seat.engine),
        fits=(*seats.of_weights(seat.model, question), *seat.memory),
        serving=seats.serving(seat, question),
        basis=f"Roofline of {machine.gpu}, {seat.engine.precision}.",
        as_of=machine.as_of.isoformat(),
        confidence=seats.CONFIDENCE[machine.confidence],
        limited_by="GPU memory bandwidth and compute",
        gpus=seat.engine.gpus,
        gpu=machine.gpu,
        vcpus=machine.vcpus,
        memory_gib=machine.memory_gib,
        weights_gb=seat.engine.weights_bytes() / 1e9,
        note=seat.model.note.strip(),
    )


def of_job(job: Job, machine: CpuMachine, question: Question, *, least: int) -> Runner:
    """Return a small model on a CPU machine as a runner; `least` is the fewest machines."""
    values, where = question.values, machine.instance_type or f"{machine.vcpus} vCPUs"
    made = cpu.plan(
        cpu.work_on(job, machine.vcpus, question),
        question,
        overhead_ms=values["cpu.overhead-ms"],
        least=least,
    )
    return Runner(
        model_id=job.model.model_id,
        name=job.model.name,
        precision=job.precision,
        instance_type=machine.instance_type,
        planned_rps=made.planned_rps,
        saturation_rps=made.saturation_rps,
        replicas=made.replicas,
        times=made.times,
        answer=made.answer,
        start_s=values["cpu.start-s"],
        fits=_cpu_fits(job, machine, where, question),
        serving=cpu.serving(job, question),
        basis=f"Assumed CPU speed on {where}, one request at a time, with queueing.",
        as_of=question.today.isoformat(),
        confidence=cpu.ASSUMED,
        limited_by="CPU compute",
        vcpus=machine.vcpus,
        memory_gib=machine.memory_gib,
        weights_gb=job.weights_bytes / 1e9,
        note=cpu.SPEED_ASSUMPTION,
    )


def on_cpus(question: Question, small: Sequence[Job]) -> list[Runner]:
    """Return own small models on each CPU machine, and nothing for the catalog's."""
    if question.workload.need is not Need.CUSTOM_CPU:
        return []
    return [
        of_job(job, machine, question, least=seats.least(question.workload))
        for job in small
        for machine in question.catalog.cpu_machines
    ]


def capacity(runner: Runner, replicas: int, question: Question) -> Capacity:
    """Return what so many machines carry at saturation, and what is free at the peak."""
    peak = question.workload.peak_rps
    most = Decimal(str(runner.saturation_rps)) * replicas
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=(1 - peak / most).quantize(THOUSANDTH),
        limited_by=runner.limited_by,
        quota=runner.instance_type,
        quota_needed=Decimal(replicas + 1),
    )


def backlog(capacity: Capacity) -> Capacity:
    """A queue takes what its machines do not: nothing is free then, and nothing is lost."""
    return replace(capacity, headroom=max(capacity.headroom, Decimal(0)))


def in_hand(capacity: Capacity, times: Times, question: Question) -> Capacity:
    """Return as headroom the share that a job leaves of the time it may take."""
    workload = question.workload
    share = 1 - times.at(workload.latency_percentile) / workload.latency_ms
    return replace(
        capacity,
        headroom=max(Decimal(str(round(share, 3))), Decimal(0)),
        limited_by="the time the job may take",
    )


def for_peak(runner: Runner, workload: Workload, *, least: int) -> int:
    """Return machines that carry the peak at the planned rate, at least `least`."""
    exact = workload.peak_rps / Decimal(str(runner.planned_rps))
    return max(int(exact.to_integral_value(rounding=ROUND_CEILING)), least)


def shown(runner: Runner, times: Times, *, start_s: float, more: str = "") -> Latency:
    """Return times as an option's latency, with where they come from."""
    return latency.as_latency(
        times,
        cold_start_ms=start_s * 1000,
        basis=f"{runner.basis} {more}".strip(),
        as_of=runner.as_of,
        confidence=runner.confidence,
    )


def usd_an_hour(runner: Runner, question: Question) -> Decimal:
    """Return USD an hour of all machines on SageMaker; a large sum without a price."""
    found = question.prices.find(skus.instance(instance_type=runner.instance_type))
    return runner.replicas * (found.usd if found else Decimal(10) ** 9)


def sizing(runner: Runner, question: Question) -> dict[str, str]:
    """Return what a launch and the break-even curves read of a runner."""
    return {
        **runner.serving,
        "planned_rps_each": f"{runner.planned_rps:.6f}",
        "least_count": str(seats.least(question.workload)),
    }


def _cpu_fits(job: Job, machine: CpuMachine, where: str, question: Question) -> tuple[Check, ...]:
    return (
        *cpu.model_checks(job, question),
        cpu.gpu_check(question, where),
        cpu.memory_check(job, machine.memory_gib, where),
    )
