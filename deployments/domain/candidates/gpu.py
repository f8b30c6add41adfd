"""SageMaker real-time endpoints on GPUs, for own weights and for open ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from billing.domain import skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks
from deployments.domain.candidates.fleet import Plan, plan
from deployments.domain.candidates.own import custom_model
from deployments.domain.candidates.question import Question, verdict
from deployments.domain.capacity import BYTES_PER_PARAMETER, GIB, Engine
from deployments.domain.catalog import Machine, Model
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Option, Size, Tier, Verdict
from deployments.domain.workload import Need, Pattern, Workload

THOUSANDTH = Decimal("0.001")
KEPT_PER_MODEL = 4  # the rest of the grid says nothing that these do not
_UNHURRIED = (Pattern.BATCH, Pattern.ASYNCHRONOUS)
_CONFIDENCE: Mapping[str, str] = {
    "high": "medium: roofline with textbook constants, median error 12 %; measure before relying",
    "medium": "low: roofline, few public measurements of this GPU",
    "low": "low: roofline, hardly any public measurement of this GPU with a current engine",
}


def options(question: Question) -> list[Option]:
    """Return the best few machines for each model that can be self-hosted."""
    found: list[Option] = []
    for model, precisions in _candidates(question):
        tried = [
            _option(model, machine, precision, question)
            for machine in question.catalog.machines
            for precision in precisions
            if _is_worth_trying(model, machine, precision)
        ]
        found.extend(sorted(tried, key=_rank)[:KEPT_PER_MODEL])
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


def _candidates(question: Question) -> list[tuple[Model, tuple[str, ...]]]:
    found: list[tuple[Model, tuple[str, ...]]] = [
        (model, ("bf16", "fp8")) for model in question.weights()
    ]
    custom = question.workload.custom
    if custom is not None and question.workload.need is Need.CUSTOM_GPU:
        found.append((custom_model(custom, question), (custom.precision,)))
    return found


def _rank(option: Option) -> tuple[int, int, Decimal, int]:
    broken = [check.name for check in option.checks if not check.holds]
    is_hard = any(name not in ("latency", "headroom") for name in broken)
    price = option.cost.expected_usd
    return (
        0 if option.verdict is not Verdict.INFEASIBLE else 2 if is_hard else 1,
        1 if price is None else 0,
        price if price is not None else Decimal(0),
        option.latency.p95_ms,
    )


def _option(model: Model, machine: Machine, precision: str, question: Question) -> Option:
    if model.architecture is None:
        raise ValueError(f"{model.model_id} has no architecture.")
    engine = Engine(machine, model.architecture, precision, question.values)
    memory = _memory(engine, model, question.workload)
    if not all(check.holds for check in memory):
        return _unfit(engine, model, memory, question)
    workload = question.workload
    made = plan(engine=engine, model=model, workload=workload, minimum=_least(workload))
    return _fit(made, model, memory, question)


def _memory(engine: Engine, model: Model, workload: Workload) -> list[Check]:
    usable = engine.gpus * engine.machine.gpu_memory_gib_usable
    weights = engine.weights_bytes() / GIB
    room = engine.kv_budget_bytes() / GIB
    sequences = engine.sequences(latency.tail_shape(workload, model))
    architecture = engine.architecture
    divides = architecture.heads % engine.gpus == 0
    return [
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
    ]


def _fit(made: Plan, model: Model, memory: list[Check], question: Question) -> Option:
    workload, engine = question.workload, made.engine
    capacity = _capacity(made, question)
    priced = cost.price(
        _drafts(engine.machine, made.replicas),
        prices=question.prices,
        assumptions=_assumptions(made, model, workload),
    )
    found = _checks(made, model, memory, question)
    return Option(
        option_id=_option_id(engine, model),
        tier=Tier.SAGEMAKER_REAL_TIME,
        model=model.model_id,
        invoke_id="",
        size=Size(
            instance_type=engine.machine.instance_type,
            instances=made.replicas,
            max_instances=made.replicas + 1,
        ),
        cost=priced,
        latency=latency.as_latency(
            made.times,
            cold_start_ms=_ready_s(engine) * 1000,
            basis=f"Roofline of {engine.machine.gpu}, {engine.precision}, at "
            f"{float(workload.peak_rps) / made.replicas:,.1f} requests/s a replica.",
            as_of=engine.machine.as_of.isoformat(),
            confidence=_CONFIDENCE[engine.machine.confidence],
        ),
        capacity=capacity,
        checks=found,
        verdict=verdict(found, priced),
        scales_to_zero=False,
        burden=4,
        commitment_months=0,
        summary=f"{model.name} at {engine.precision} on {made.replicas} x "
        f"{engine.machine.instance_type}",
        notes=_notes(engine, model),
        extra={
            **_extra(engine, model, question),
            "planned_rps_each": f"{made.planned_rps:.6f}",
            "least_count": str(_least(workload)),
        },
    )


def _checks(made: Plan, model: Model, memory: list[Check], question: Question) -> tuple[Check, ...]:
    workload, engine = question.workload, made.engine
    return (
        *_of_weights(model, question),
        *memory,
        checks.latency(made.times, workload),
        checks.headroom(_capacity(made, question).headroom),
        checks.payload(workload, question.values["sagemaker.payload-mb"]),
        checks.time_limit(made.answer, _time_limit_s(question)),
        checks.quota(
            name=engine.machine.instance_type,
            what=f"instances of {engine.machine.instance_type} for endpoints",
            needed=Decimal(made.replicas + 1),
            question=question,
        ),
    )


def _least(workload: Workload) -> int:
    return 1 if workload.pattern in _UNHURRIED else 2


def _unfit(engine: Engine, model: Model, memory: list[Check], question: Question) -> Option:
    """Return the machine as refused: it cannot hold the model, so it has no speed."""
    minimum = _least(question.workload)
    priced = cost.price(_drafts(engine.machine, minimum), prices=question.prices)
    return Option(
        option_id=_option_id(engine, model),
        tier=Tier.SAGEMAKER_REAL_TIME,
        model=model.model_id,
        invoke_id="",
        size=Size(instance_type=engine.machine.instance_type, instances=minimum),
        cost=priced,
        latency=latency.as_latency(
            Times(0, 0, 0),
            cold_start_ms=0,
            basis="Not estimated: the model does not fit.",
            as_of=engine.machine.as_of.isoformat(),
            confidence="none: not estimated",
        ),
        capacity=Capacity(Decimal(0), Decimal(0), "GPU memory"),
        checks=tuple(memory),
        verdict=Verdict.INFEASIBLE,
        scales_to_zero=False,
        burden=4,
        commitment_months=0,
        summary=f"{model.name} at {engine.precision} does not fit {engine.machine.instance_type}",
        extra=_extra(engine, model, question),
    )


def _option_id(engine: Engine, model: Model) -> str:
    machine = engine.machine.instance_type
    return f"{Tier.SAGEMAKER_REAL_TIME}/{model.model_id}/{machine}/{engine.precision}"


def _of_weights(model: Model, question: Question) -> list[Check]:
    found = checks.of_model(model, question)
    if model.provider == "own":  # a team answers for the quality and the life of its own weights
        return [check for check in found if check.name not in ("quality", "lifecycle")]
    return found


def _drafts(machine: Machine, replicas: int) -> list[cost.Draft]:
    return [
        cost.by_the_hour(
            label=f"{machine.instance_type}",
            sku=skus.instance(instance_type=machine.instance_type),
            count=replicas,
            most=replicas + 1,
        )
    ]


def _assumptions(made: Plan, model: Model, workload: Workload) -> tuple[str, ...]:
    said = [
        cost.FIXED_ASSUMPTION,
        f"Sized for the peak at {made.planned_rps:,.1f} of {made.saturation_rps:,.1f} requests/s "
        "a replica: within 60 % of saturation and within the latency objective.",
        "High: one more instance all month, the most the scaling target allows.",
    ]
    if model.note:
        said.append(model.note.strip())
    return (*said, *workload.assumptions)


def _capacity(made: Plan, question: Question) -> Capacity:
    peak = question.workload.peak_rps
    most = Decimal(str(made.saturation_rps)) * made.replicas
    return Capacity(
        max_rps=most.quantize(THOUSANDTH),
        headroom=(1 - peak / most).quantize(THOUSANDTH),
        limited_by="GPU memory bandwidth and compute",
        quota=made.engine.machine.instance_type,
        quota_needed=Decimal(made.replicas + 1),
    )


def _time_limit_s(question: Question) -> float:
    streaming = question.workload.needs_streaming
    return question.values["sagemaker.stream-timeout-s" if streaming else "sagemaker.timeout-s"]


def _ready_s(engine: Engine) -> float:
    rate = engine.values["gpu.load-gb-per-s"] * 1e9
    return engine.values["gpu.start-s"] + engine.weights_bytes() / rate


def _notes(engine: Engine, model: Model) -> tuple[str, ...]:
    said = ["A new replica takes minutes, not seconds: it cannot follow a sudden spike."]
    if engine.precision == "fp8" and model.provider != "own":
        said.append("FP8 weights: check the answers' quality on your own examples.")
    return tuple(said)


def _extra(engine: Engine, model: Model, question: Question) -> dict[str, str]:
    ready = _ready_s(engine)
    timeout = int(min(max(2 * ready, 600), 3600))
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


def _longest(workload: Workload, model: Model) -> int:
    shape = latency.tail_shape(workload, model)
    return int(min(2 * (shape.input_tokens + shape.output_tokens), model.context_tokens))
