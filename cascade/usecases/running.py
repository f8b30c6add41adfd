"""Who works on a row that waits, how far it is, and how it ends: exactly once, however often tried.

A lost worker's lease runs out and another begins again: what is computed is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cascade.models import NEVER_LEASED, Calibration, Replay, Training

LEASE = timedelta(minutes=10)
TOLD_EVERY = 1_000
Run = Replay | Calibration | Training
Row = TypeVar("Row", Replay, Calibration, Training)
Thing = TypeVar("Thing")


def claim(model: type[Row], *, pk: int, now: datetime) -> Row | None:
    """Return a row to work on; None when it is over or somebody works on it."""
    waiting = model._default_manager.filter(pk=pk, ended_at=None, leased_until__lte=now)
    if not waiting.update(state="running", leased_until=now + LEASE, done=0):
        return None
    return model._default_manager.select_related("cascade__feature__team").get(pk=pk)


def told(things: Iterable[Thing], *, run: Run) -> Iterator[Thing]:
    """Yield things, and say now and then how far the run is."""
    for number, each in enumerate(things, 1):
        yield each
        if number % TOLD_EVERY == 0:
            type(run)._default_manager.filter(pk=run.pk, ended_at=None).update(done=number)


def end(run: Run, *, result: dict[str, Any], now: datetime) -> bool:
    """Keep what was found; say whether this was the one that ended it."""
    return _end(run, state="done", result=result, words="", now=now)


def fail(run: Run, *, words: str, now: datetime) -> bool:
    """Keep why nothing was found; say whether this was the one that ended it."""
    return _end(run, state="failed", result=None, words=words[:2000], now=now)


def _end(run: Run, *, state: str, result: dict[str, Any] | None, words: str, now: datetime) -> bool:
    is_first = (
        type(run)
        ._default_manager.filter(pk=run.pk, ended_at=None)
        .update(
            state=state,
            result=result,
            words=words,
            done=run.total,
            leased_until=NEVER_LEASED,
            ended_at=now,
        )
    )
    run.refresh_from_db()
    return bool(is_first)


def abandoned(model: type[Row], *, now: datetime) -> list[int]:
    """Return the rows that wait, or whose worker was lost; the oldest first."""
    found = model._default_manager.filter(ended_at=None, leased_until__lte=now)
    return list(found.order_by("pk").values_list("pk", flat=True)[:50])
