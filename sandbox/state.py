"""What the pretend AWS knows: rows of every resource, the settings, and what has changed."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"

Row = dict[str, Any]

LOCK = threading.RLock()
"""Serialises control-plane calls. Never held while a model answers or a function runs."""

DEFAULT_DELAYS_SECONDS = {
    "provisioned_throughput_s": 4.0,
    "provisioned_throughput_update_s": 2.0,
    "endpoint_s": 6.0,
    "endpoint_update_s": 5.0,
    "endpoint_delete_s": 1.0,
    "function_s": 0.5,
}
DEFAULT_FAULTS: dict[str, Any] = {
    "seed": 7,
    "throttle": 0.0,
    "lost_answer": 0.0,
    "capacity_error": 0.0,
    "ping_failure": 0.0,
    "services": None,
}
DEFAULT_QUOTAS: dict[str, Any] = {
    "bedrock_model_units": 10,
    "bedrock_tokens_per_minute": {"default": 2_000_000},
    "bedrock_requests_per_minute": {"default": 2_000},
    "lambda_concurrency": 1_000,
    "sagemaker_serverless_concurrency": 1_000,
    "sagemaker_serverless_endpoints": 50,
    "sagemaker": {},
}


def _copy(settings: dict[str, Any]) -> dict[str, Any]:
    return {k: dict(v) if isinstance(v, dict) else v for k, v in settings.items()}


@dataclass(slots=True)
class World:
    """All that is kept; every value is plain JSON."""

    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    quotas: dict[str, Any] = field(default_factory=lambda: _copy(DEFAULT_QUOTAS))
    delays: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_DELAYS_SECONDS))
    faults: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_FAULTS))


@dataclass(slots=True)
class _Process:
    """What belongs to this process and is not saved."""

    world: World = field(default_factory=World)
    directory: Path = Path(".")
    base_url: str = "http://127.0.0.1"
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    on_change: Callable[[str], None] = lambda part: None


_process = _Process()


def begin(*, directory: Path, base_url: str, on_change: Callable[[str], None]) -> None:
    """Say where this process keeps its state and at which URL it is reached."""
    _process.directory, _process.base_url, _process.on_change = directory, base_url, on_change


def table(name: str) -> dict[str, Row]:
    """Return the rows of one kind of resource by their key; change them under LOCK only."""
    return _process.world.tables.setdefault(name, {})


def touch(part: str = "control") -> None:
    """Say that a part of the state has changed and must be written."""
    _process.on_change(part)


def now() -> float:
    """Return the moment in seconds since 1970."""
    return time.time()


def directory() -> Path:
    """Return the folder in which the state survives."""
    return _process.directory


def base_url() -> str:
    """Return the URL at which callers reach this server, without a trailing slash."""
    return _process.base_url


def seed() -> int:
    """Return the seed of everything that is drawn by chance."""
    return int(_process.world.faults["seed"])


def quotas() -> dict[str, Any]:
    """Return the account's quotas as PUT /sandbox/quotas takes them."""
    return _process.world.quotas


def delays() -> dict[str, float]:
    """Return how many seconds the slow things take."""
    return _process.world.delays


def faults() -> dict[str, Any]:
    """Return the switched-on faults as PUT /sandbox/faults takes them."""
    return _process.world.faults


def chance() -> float:
    """Draw the next number in [0, 1) of the seeded sequence."""
    with LOCK:
        return _process.dice.random()


def change_faults(wish: dict[str, Any]) -> None:
    """Switch faults and begin the seeded sequence anew."""
    with LOCK:
        _process.world.faults.update(wish)
        _process.dice = random.Random(_process.world.faults["seed"])
    touch()


def change_quotas(wish: dict[str, Any]) -> None:
    """Change the named quotas; a mapping is merged, a number replaces."""
    with LOCK:
        for name, value in wish.items():
            current = _process.world.quotas.get(name)
            if isinstance(current, dict) and isinstance(value, dict):
                _process.world.quotas[name] = {**current, **value}
            else:
                _process.world.quotas[name] = value
    touch()


def change_delays(wish: dict[str, float]) -> None:
    """Change the named delays (seconds)."""
    with LOCK:
        _process.world.delays.update(wish)
    touch()


def dump() -> dict[str, Any]:
    """Return everything that must survive a restart."""
    world = _process.world
    return {
        "tables": world.tables,
        "quotas": world.quotas,
        "delays": world.delays,
        "faults": world.faults,
    }


def restore(saved: dict[str, Any]) -> None:
    """Take up what `dump` returned in an earlier life."""
    world = _process.world
    world.tables = saved["tables"]
    world.quotas = {**_copy(DEFAULT_QUOTAS), **saved["quotas"]}
    world.delays = {**DEFAULT_DELAYS_SECONDS, **saved["delays"]}
    world.faults = {**DEFAULT_FAULTS, **saved["faults"]}
    _process.dice = random.Random(world.faults["seed"])


def clear() -> None:
    """Forget every resource; settings go back to their defaults, the seed stays."""
    kept_seed = seed()
    _process.world = World()
    _process.world.faults["seed"] = kept_seed
    _process.dice = random.Random(kept_seed)
