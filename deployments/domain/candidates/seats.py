"""Every model on every machine it may run on, planned once for all tiers that use machines. Pure.

The roofline is the dear part of a recommendation: endpoints, components, asynchronous inference,
jobs, containers and edge hardware all read the same seats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from billing.domain import skus
from deployments.domain import latency
from deployments.domain.candidates import checks
from deployments.domain.candidates.fleet import Plan, plan
from deployments.domain.candidates.own import custom_model
from deployments.domain.candidates.question import Question
from deployments.domain.capacity import BYTES_PER_PARAMETER, GIB, Engine
from deployments.domain.catalog import Machine, Model
from deployments.domain.options import Capacity, Check
from deployments.domain.workload import Need, Pattern, Workload

THOUSANDTH = Decimal("0.001")
UNHURRIED = (Pattern.BATCH, Pattern.ASYNCHRONOUS)
CONFIDENCE: Mapping[str, str] = {
    "high": "medium: roofline with textbook constants, median error 12 %; measure before relying",
    "medium": "low: roofline, few public measurements of this GPU",
    "low": "low: roofline, hardly any public measurement of this GPU with a current engine",
}
_DEAREST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Seat:
    """A model at a precision on a machine; `made` is None when it does not fit the memory."""

    model: Model
    engine: Engine
    memory: tuple[Check, ...]
    made: Plan | None

    @property
    def machine(self) -> Machine:
        """The machine, or the part of it that one copy holds."""
        return self.engine.machine

    @property
    def ec2_type(self) -> str:
        """The EC2 name of the machine."""
        return self.machine.instance_type.removeprefix("ml.")


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans each model once on each kind and number of GPUs: machines that differ in their CPUs
    only, and parts of larger ones, are as fast.
    """

    question: Question
    made: dict[tuple[object, ...], Seat] = field(default_factory=dict)

    def seat(self, machine: Machine, model: Model, precision: str) -> Seat:
        """Return a model on a machine. Raises ValueError for a model without an architecture."""
        link = machine.link_gb_per_s if machine.gpus > 1 else 0.0
        key = (model.model_id, precision, machine.gpu, machine.gpus, link)
        known = self.made.get(key)
        if known is None:
            known = self.made[key] = _seat_on(machine, model, precision, self.question)
        if known.machine is machine:
            return known
        engine = replace(known.engine, machine=machine)
        made = replace(known.made, engine=engine) if known.made else None
        return Seat(known.model, engine, known.memory, made)


def all_seats(planner: Planner) -> tuple[tuple[Seat, ...], ...]:
    """Return the seats of each model that can be self-hosted, in the catalog's order."""
    question = planner.question
    return tuple(
        tuple(
            planner.seat(machine, model, precision)
            for machine in question.catalog.machines
            for precision in precisions
            if _is_worth_trying(model, machine, precision)
        )
        for model, precisions in _candidates(question)
    )


def _seat_on(machine: Machine, model: Model, precision: str, question: Question) -> Seat:
    if model.architecture is None:
        raise ValueError(f"{model.model_id} has no architecture.")
    engine = Engine(machine, model.architecture, precision, question.values)
    memory = _memory(engine, model, question.workload)
    if not all(check.holds for check in memory):
        return Seat(model, engine, memory, None)
    workload = question.workload
    made = plan(engine=engine, model=model, workload=workload, minimum=least(workload))
    return Seat(model, engine, memory, made)


def fitting(seats: Sequence[Seat]) -> Iterator[tuple[Seat, Plan]]:
    """Yield the seats that hold their model, with their plans."""
    return ((seat, seat.made) for seat in seats if seat.made is not None)


def cheapest(
    seats: Sequence[Seat], question: Question, *, kept: int, limit_s: float | None = None
) -> list[Seat]:
    """Return the best seats: fit and in time before late before unfit, then by price and speed.

    `limit_s` is when an answer is cut off, by default as on a real-time endpoint.
    """
    cut_s = time_limit_s(question) if limit_s is None else limit_s
    return sorted(seats, key=lambda seat: _rank(seat, cut_s, question))[:kept]


def hardest_working(seats: Sequence[Seat], question: Question, *, kept: int) -> list[Seat]:
    """Return the seats that hold their model and do the most work for a dollar."""

    def key(found: tuple[Seat, Plan]) -> float:
        usd = usd_an_hour(found[0], question)
        return float(_DEAREST if usd is None else usd) / found[1].saturation_rps

    return [seat for seat, _ in sorted(fitting(seats), key=key)[:kept]]


def usd_an_hour(seat: Seat, question: Question) -> Decimal | None:
    """Return USD an hour of the machine on a SageMaker endpoint; None without a price."""
    found = question.prices.find(skus.instance(instance_type=seat.machine.instance_type))
    return None if found is None else found.usd


def least(workload: Workload) -> int:
    """Return the fewest replicas: one where nobody waits, else two so that one may fail."""
    return 1 if workload.pattern in UNHURRIED else 2


def of_weights(model: Model, question: Question) -> list[Check]:
    """Return the checks of a model one hosts oneself.

    A team answers for the quality and the life of its own weights.
    """
    found = checks.of_model(model, question)
    if model.provider == "own":
        return [check for check in found if check.name not in ("quality", "lifecycle")]
    return found


def capacity_of(made: Plan, replicas: int, question: Question) -> Capacity:
    """Return what so many replicas carry at saturation, and what is free at the peak."""
    peak = question.workload.peak_rps
    most = Decimal(str(made.saturation_rps)) * replicas
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=(1 - peak / most).quantize(THOUSANDTH),
        limited_by="GPU memory bandwidth and compute",
        quota=made.engine.machine.instance_type,
        quota_needed=Decimal(replicas + 1),
    )


def ready_s(engine: Engine) -> float:
    """Return seconds until a new replica has its weights and answers."""
    rate = engine.values["gpu.load-gb-per-s"] * 1e9
    return engine.values["gpu.start-s"] + engine.weights_bytes() / rate


def time_limit_s(question: Question) -> float:
    """Return the seconds after which a SageMaker endpoint cuts an answer off."""
    streaming = question.workload.needs_streaming
    return question.values["sagemaker.stream-timeout-s" if streaming else "sagemaker.timeout-s"]


def serving(seat: Seat, question: Question) -> dict[str, str]:
    """Return what a launch needs to know: image, weights, precision, parallelism, time limits."""
    engine, model = seat.engine, seat.model
    timeout = int(min(max(2 * ready_s(engine), 600), 3600))
    custom = question.workload.custom
    return {
        "image": question.catalog.image("vllm").uri,
        "weights_s3": custom.weights_s3_uri if custom and model.provider == "own" else "",
        "hub_model": model.hub_id,
        "precision": engine.precision,
        "tensor_parallel": str(engine.gpus),
        "max_model_tokens": str(_longest(question.workload, model)),
        "bytes_per_parameter": f"{BYTES_PER_PARAMETER[engine.precision]:g}",
        "startup_timeout_s": str(timeout),
        "download_timeout_s": str(timeout),
    }


def quality_note(seat: Seat) -> tuple[str, ...]:
    """Return the warning that goes with weights cut to 8 bits."""
    if seat.engine.precision == "fp8" and seat.model.provider != "own":
        return ("FP8 weights: check the answers' quality on your own examples.",)
    return ()


def _candidates(question: Question) -> list[tuple[Model, tuple[str, ...]]]:
    found: list[tuple[Model, tuple[str, ...]]] = [
        (model, ("bf16", "fp8")) for model in question.weights()
    ]
    custom = question.workload.custom
    if custom is not None and question.workload.need is Need.CUSTOM_GPU:
        found.append((custom_model(custom, question), (custom.precision,)))
    return found


def _is_worth_trying(model: Model, machine: Machine, precision: str) -> bool:
    """Say no to FP8 without the hardware, and to spreading over PCIe what fits one GPU.

    Tensor parallelism over PCIe adds little throughput: more replicas do better (capacity notes
    2.6).
    """
    if precision == "fp8" and not machine.has_fp8:
        return False
    if machine.gpus == 1 or machine.is_nvlink or model.architecture is None:
        return True
    alone = model.architecture.parameters * BYTES_PER_PARAMETER[precision]
    return alone > 0.7 * machine.gpu_memory_gib_usable * GIB


def _memory(engine: Engine, model: Model, workload: Workload) -> tuple[Check, ...]:
    usable = engine.gpus * engine.machine.gpu_memory_gib_usable
    weights = engine.weights_bytes() / GIB
    room = engine.kv_budget_bytes() / GIB
    sequences = engine.sequences(latency.tail_shape(workload, model))
    architecture = engine.architecture
    divides = architecture.heads % engine.gpus == 0
    return (
        Check(
            "memory",
            room > 0 and sequences >= 1,
            f"Weights take {weights:,.1f} GiB at {engine.precision} of {usable:,.1f} GiB; "
            f"{max(room, 0):,.1f} GiB are left for the KV cache, "
            f"{max(int(sequences), 0):,} long requests at once.",
        ),
        Check(
            "parallelism",
            divides,
            f"{architecture.heads} attention heads over {engine.gpus} GPU"
            f"{'s' if engine.gpus > 1 else ''}.",
        ),
    )


def _rank(seat: Seat, cut_s: float, question: Question) -> tuple[int, Decimal, float]:
    made, usd_hour = seat.made, usd_an_hour(seat, question)
    if made is None:
        return 2, usd_hour or _DEAREST, 0.0
    workload = question.workload
    price = _DEAREST if usd_hour is None else usd_hour * made.replicas
    limit = question.quotas.get(seat.machine.instance_type)
    is_over = limit is not None and made.replicas + 1 > limit
    is_cut = made.answer.p99 > cut_s * 1000
    is_late = made.times.at(workload.latency_percentile) > workload.latency_ms
    broken = 2 if is_over or is_cut else 1 if is_late else 0
    return broken, price, made.times.p95


def _longest(workload: Workload, model: Model) -> int:
    shape = latency.tail_shape(workload, model)
    return int(min(2 * (shape.input_tokens + shape.output_tokens), model.context_tokens))
