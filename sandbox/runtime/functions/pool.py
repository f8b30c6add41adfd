"""The environments that exist: reused while warm, ended when idle, bounded in number."""

import os
import threading
import time
from dataclasses import dataclass, field

from sandbox.runtime.functions import environment
from sandbox.runtime.functions.environment import Environment, Recipe

IDLE_SECONDS = 300.0
_SWEEP_SECONDS = 15.0


def _max_processes() -> int:
    return int(os.environ.get("SANDBOX_LAMBDA_PROCESSES", "24"))


@dataclass(slots=True)
class _Pool:
    """Idle environments, the newest last, and how many exist in all."""

    idle: list[Environment] = field(default_factory=list)
    existing: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)


_pool = _Pool()
_sweeper: list[threading.Thread] = []


def start() -> None:
    """Begin to end environments that were idle for IDLE_SECONDS."""
    if not _sweeper:
        _sweeper.append(threading.Thread(target=_sweep, name="lambda-sweeper", daemon=True))
        _sweeper[0].start()


def take(recipe: Recipe) -> tuple[Environment, bool]:
    """Return a warm environment, or a new one (True: cold). Waits while too many processes run."""
    with _pool.changed:
        while True:
            if found := next((e for e in reversed(_pool.idle) if e.recipe == recipe), None):
                _pool.idle.remove(found)
                return found, False
            if _pool.existing < _max_processes():
                _pool.existing += 1
                break
            if _pool.idle:
                _pool.idle.pop(0).end()
                break
            _pool.changed.wait()
    try:
        return environment.start(recipe), True
    except BaseException:
        _forget_one()
        raise


def give_back(used: Environment) -> None:
    """Keep an environment for the next invocation."""
    used.idle_since = time.monotonic()
    with _pool.changed:
        _pool.idle.append(used)
        _pool.changed.notify_all()


def discard(used: Environment) -> None:
    """End an environment that is not to be used again."""
    used.end()
    _forget_one()


def _forget_one() -> None:
    with _pool.changed:
        _pool.existing -= 1
        _pool.changed.notify_all()


def clear() -> None:
    """End every idle environment; those at work end with their invocation's own limits."""
    with _pool.changed:
        ended, _pool.idle = _pool.idle, []
        _pool.existing -= len(ended)
        _pool.changed.notify_all()
    for unused in ended:
        unused.end()


def _sweep() -> None:
    while True:
        time.sleep(_SWEEP_SECONDS)
        with _pool.changed:
            limit = time.monotonic() - IDLE_SECONDS
            ended = [e for e in _pool.idle if e.idle_since < limit]
            _pool.idle = [e for e in _pool.idle if e.idle_since >= limit]
            _pool.existing -= len(ended)
            _pool.changed.notify_all()
        for unused in ended:
            unused.end()
