"""The sandbox's own endpoints under /sandbox/: faults, quotas, delays, inventory, counters."""

import ipaddress
import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from sandbox import runtime, state, store
from sandbox.calls import Counters
from sandbox.control import autoscaling, bedrock, foundation, lambda_, machines, sagemaker
from sandbox.wire import Answer, Environ

_PROBABILITIES = ("throttle", "lost_answer", "capacity_error", "ping_failure")
_INVENTORIES = (bedrock, sagemaker, autoscaling, lambda_, foundation)

_HEALTH = "/sandbox/health"
_trusted: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []

Json = dict[str, Any]


class _Nonsense(Exception):
    """The request makes no sense; its sentence says why."""


def answer(environ: Environ, body: bytes, counters: Counters) -> Answer:
    """Answer one request to a path under /sandbox/."""
    path, method = environ["PATH_INFO"].rstrip("/"), environ["REQUEST_METHOD"]
    if path != _HEALTH and not is_trusted(environ.get("REMOTE_ADDR", "")):
        return _json({"error": "callers of this address may not use /sandbox/"}, 403)
    route = _routes(environ, counters).get((method, path))
    if route is None:
        return _json({"error": f"there is no {method} {path}"}, 404)
    try:
        return _json(route(_parsed(body)))
    except _Nonsense as nonsense:
        return _json({"error": str(nonsense)}, 400)


def trust(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> None:
    """Let callers of one more network use these endpoints."""
    _trusted.append(network)


def is_trusted(address: str) -> bool:
    """Say whether a caller may use these endpoints; callers on this machine may."""
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return False
    return caller.is_loopback or any(caller in network for network in _trusted)


def _json(content: Any, status: int = 200) -> Answer:
    headers = (("Content-Type", "application/json"),)
    return Answer(status, headers, json.dumps(content).encode())


def _parsed(body: bytes) -> Json:
    try:
        wish = json.loads(body or b"{}")
    except ValueError as broken:
        raise _Nonsense("the body is not JSON") from broken
    if not isinstance(wish, dict):
        raise _Nonsense("the body must be a JSON object")
    return wish


def _routes(
    environ: Environ, counters: Counters
) -> dict[tuple[str, str], Callable[[Json], Json | list[Json]]]:
    return {
        ("GET", _HEALTH): lambda wish: {"ready": True},
        ("GET", "/sandbox/faults"): lambda wish: state.faults(),
        ("PUT", "/sandbox/faults"): _put_faults,
        ("GET", "/sandbox/quotas"): lambda wish: _quotas(),
        ("PUT", "/sandbox/quotas"): _put_quotas,
        ("GET", "/sandbox/delays"): lambda wish: state.delays(),
        ("PUT", "/sandbox/delays"): _put_delays,
        ("GET", "/sandbox/inventory"): lambda wish: inventory(),
        ("GET", "/sandbox/calls"): lambda wish: counters.since(_since(environ)),
        ("POST", "/sandbox/reset"): lambda wish: _reset(counters),
    }


def _put_faults(wish: Json) -> Json:
    for name, value in wish.items():
        if name in _PROBABILITIES:
            if not _is_number(value) or not 0 <= value <= 1:
                raise _Nonsense(f"{name} must be between 0 and 1")
        elif name == "seed":
            if not isinstance(value, int) or isinstance(value, bool):
                raise _Nonsense("seed must be a whole number")
        elif name == "services":
            if value is not None and not (
                isinstance(value, list) and all(isinstance(s, str) for s in value)
            ):
                raise _Nonsense("services must be null or a list of names")
        else:
            raise _Nonsense(f"unknown fault: {name}")
    state.change_faults(wish)
    return state.faults()


def _put_quotas(wish: Json) -> Json:
    for name, value in wish.items():
        numbers = value.values() if isinstance(value, dict) else [value]
        if name not in state.DEFAULT_QUOTAS:
            raise _Nonsense(f"unknown quota: {name}")
        if isinstance(value, dict) != isinstance(state.DEFAULT_QUOTAS[name], dict):
            raise _Nonsense(f"{name} has the wrong form")
        if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
            raise _Nonsense(f"{name} must be whole numbers of at least 0")
    state.change_quotas(wish)
    return _quotas()


def _quotas() -> Json:
    instances = {name: machines.quota(name) for name in machines.hosting_types()}
    return state.quotas() | {"sagemaker": instances}


def _put_delays(wish: Json) -> Json:
    for name, value in wish.items():
        if not _is_number(value) or not 0 <= value <= 86_400:
            raise _Nonsense(f"{name} must be seconds between 0 and 86400")
    state.change_delays({name: float(value) for name, value in wish.items()})
    return dict(state.delays())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def inventory() -> list[Json]:
    """Return everything billable or created that exists now."""
    with state.LOCK:
        now = state.now()
        return [item for part in _INVENTORIES for item in part.inventory(now)]


def _since(environ: Environ) -> float:
    text = parse_qs(environ.get("QUERY_STRING", "")).get("since", ["0"])[0]
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as broken:
        raise _Nonsense("since must be seconds since 1970 or an ISO 8601 moment") from broken


def _reset(counters: Counters) -> Json:
    runtime.reset()
    with state.LOCK:
        state.clear()
        store.forget_moto()
    counters.clear()
    for part in store.PARTS:
        state.touch(part)
    return {"empty": True}
