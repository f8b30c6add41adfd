"""Which variant serves a call, whether it may, and how long it takes."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sandbox import state
from sandbox.control import sagemaker
from sandbox.runtime import replies, speeds
from sandbox.runtime.hosting import machines
from sandbox.runtime.metrics import recorder
from sandbox.wire import AwsError

_SERVING = frozenset(
    ["InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"]
)
_OVERHEAD_S = 0.004


@dataclass(frozen=True, slots=True)
class Variant:
    """A production variant that is about to serve."""

    endpoint: str
    name: str
    model: machines.Model
    machine: machines.Machine
    instances: int
    max_concurrency: int | None
    always_warm: int


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one request takes; setup is a serverless cold start."""

    latency: speeds.Latency
    setup_s: float


@dataclass(slots=True)
class _Busy:
    """Requests at work and, for serverless, when idle environments were last used."""

    running: Counter[str] = field(default_factory=Counter)
    idle: dict[str, list[float]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


_busy = _Busy()


def choose(endpoint_name: str, wanted: str) -> Variant:
    """Return the variant for a call; refuses an endpoint that is missing or does not serve."""
    found = sagemaker.find_endpoint(endpoint_name)
    if found is None or found["EndpointStatus"] not in _SERVING:
        raise AwsError(
            "ValidationError", f"Endpoint {endpoint_name} of account {state.ACCOUNT_ID} not found."
        )
    variants = found["ProductionVariants"]
    if wanted:
        variants = [v for v in variants if v["VariantName"] == wanted]
    if not variants:
        raise AwsError(
            "ValidationError",
            f"Variant {wanted} of endpoint {endpoint_name} of account {state.ACCOUNT_ID} not "
            "found.",
        )
    return _variant(endpoint_name, _drawn(endpoint_name, variants))


def _drawn(endpoint_name: str, variants: list[dict[str, Any]]) -> dict[str, Any]:
    with _busy.lock:
        number = _busy.calls[endpoint_name]
        _busy.calls[endpoint_name] += 1
    weights = [v.get("CurrentWeight", 1.0) for v in variants]
    if not any(weights):
        weights = [1.0] * len(variants)
    return replies.dice("variant", endpoint_name, number).choices(variants, weights)[0]


def _variant(endpoint: str, row: dict[str, Any]) -> Variant:
    if config := row.get("CurrentServerlessConfig"):
        return Variant(
            endpoint=endpoint,
            name=row["VariantName"],
            model=machines.model(row, "serverless"),
            machine=machines.serverless(config["MemorySizeInMB"]),
            instances=1,
            max_concurrency=config["MaxConcurrency"],
            always_warm=config.get("ProvisionedConcurrency", 0),
        )
    return Variant(
        endpoint=endpoint,
        name=row["VariantName"],
        model=machines.model(row, "realtime"),
        machine=machines.instance(row["InstanceType"] or ""),
        instances=max(1, row.get("CurrentInstanceCount", 1)),
        max_concurrency=None,
        always_warm=0,
    )


def enter(variant: Variant, input_tokens: int) -> Timing:
    """Begin a request; refuses over the concurrency of a serverless endpoint. `leave` ends it."""
    with _busy.lock:
        running = _busy.running[_key(variant)]
        if variant.max_concurrency is not None and running >= variant.max_concurrency:
            record(variant, "Invocation4XXErrors", 1.0, "None")
            raise AwsError("ThrottlingException", "Rate exceeded", status=429)
        _busy.running[_key(variant)] += 1
        cold = variant.max_concurrency is not None and _is_cold(variant, running)
    busy = running / variant.instances
    latency = speeds.Latency(
        machines.first_token_s(variant.machine, variant.model, input_tokens),
        machines.token_s(variant.machine, variant.model, busy),
    )
    return Timing(latency, machines.setup_s(variant.model) if cold else 0.0)


def _is_cold(variant: Variant, running: int) -> bool:
    limit = time.monotonic() - machines.warm_s()
    warm = [at for at in _busy.idle.get(_key(variant), ()) if at >= limit]
    _busy.idle[_key(variant)] = warm[:-1]
    return not warm and running >= variant.always_warm


def leave(variant: Variant) -> None:
    """End a request; its environment stays warm for a while."""
    with _busy.lock:
        _busy.running[_key(variant)] -= 1
        if variant.max_concurrency is not None:
            idle = _busy.idle.setdefault(_key(variant), [])
            idle.append(time.monotonic())
            del idle[: -variant.max_concurrency]


def _key(variant: Variant) -> str:
    return f"{variant.endpoint}/{variant.name}"


def record_done(variant: Variant, timing: Timing, output_tokens: int) -> None:
    """Write the metrics of a served request; latencies in microseconds, as SageMaker does."""
    latency_s = timing.latency.total_s(output_tokens)
    record(variant, "Invocations", 1.0, "None")
    record(variant, "ModelLatency", latency_s * 1e6, "Microseconds")
    record(variant, "OverheadLatency", (_OVERHEAD_S + timing.setup_s) * 1e6, "Microseconds")
    if timing.setup_s:
        record(variant, "ModelSetupTime", timing.setup_s * 1e6, "Microseconds")


def record_failed(variant: Variant, status: int) -> None:
    """Write the metrics of a request that the container refused."""
    record(variant, "Invocations", 1.0, "None")
    family = "Invocation4XXErrors" if status < 500 else "Invocation5XXErrors"
    record(variant, family, 1.0, "None")


def record(variant: Variant, name: str, value: float, unit: str) -> None:
    """Write one value of a variant."""
    dimensions = {"EndpointName": variant.endpoint, "VariantName": variant.name}
    recorder.record("AWS/SageMaker", name, dimensions, value, unit)


def reset() -> None:
    """Forget what was warm and how many calls were made."""
    with _busy.lock:
        _busy.idle.clear()
        _busy.calls.clear()
