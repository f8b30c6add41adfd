"""Celery shells: read the clock, make one call. A lost message costs seconds, nothing else."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from cascade.models import Calibration, Replay, Training
from cascade.usecases import (
    calibrations,
    counters,
    drifts,
    replays,
    running,
    snapshots,
    trainings,
)
from cascade.usecases.streams import CountersAway, stream_at, turn

log = logging.getLogger("slipway.tasks")
# The sweep repeats every message: an old one has nothing to say.
MESSAGE_SECONDS = 60


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def drain(**_: Any) -> int:
    """Book what gateways told, and holds that nobody settled; return the entries."""
    if not settings.CASCADE_URL:
        return 0
    try:
        with stream_at(settings.CASCADE_URL) as stream:
            return turn(stream=stream, now=timezone.now()).entries
    except CountersAway as reason:
        log.warning("Nothing was drained, the next turn will: %s", reason)
        return 0


@shared_task(acks_late=True)
def publish_other(**_: Any) -> None:
    """Tell the counters what everything else has spent."""
    if not settings.CASCADE_URL:
        return
    try:
        with stream_at(settings.CASCADE_URL) as stream:
            counters.publish_other(stream=stream, now=timezone.now())
    except CountersAway as reason:
        log.warning("The counters were not told what else is spent: %s", reason)


@shared_task(acks_late=True)
def check_counters(**_: Any) -> int:
    """Compare the counters with rows and stream; return how many differ."""
    if not settings.CASCADE_URL:
        return 0
    try:
        with stream_at(settings.CASCADE_URL) as stream:
            return len(counters.check(stream=stream, now=timezone.now()))
    except CountersAway as reason:
        log.warning("The counters were not compared: %s", reason)
        return 0


@shared_task(acks_late=True)
def publish_snapshot(**_: Any) -> int | None:
    """Offer the gateways what holds now, so that a lost message costs seconds."""
    return snapshots.publish_snapshot(now=timezone.now())


@shared_task(acks_late=True, soft_time_limit=540, time_limit=600)
def run_replay(*, replay_id: int, **_: Any) -> str:
    """Do a replay that waits."""
    run = replays.run_replay(replay_id=replay_id, clock=timezone.now)
    return run.state if run else "busy"


@shared_task(acks_late=True, soft_time_limit=540, time_limit=600)
def run_calibration(*, calibration_id: int, **_: Any) -> str:
    """Do a calibration that waits."""
    run = calibrations.run_calibration(calibration_id=calibration_id, clock=timezone.now)
    return run.state if run else "busy"


@shared_task(acks_late=True, soft_time_limit=540, time_limit=600)
def run_training(*, training_id: int, **_: Any) -> str:
    """Train what waits."""
    run = trainings.run_training(training_id=training_id, clock=timezone.now)
    return run.state if run else "busy"


@shared_task(acks_late=True, soft_time_limit=240, time_limit=300)
def watch_drift(**_: Any) -> int:
    """Look whether traffic grew harder; return the alarms."""
    return drifts.watch_drift(now=timezone.now())


@shared_task(acks_late=True)
def runs_due(**_: Any) -> int:
    """Ask for what waits, or was left by a lost worker."""
    now = timezone.now()
    waiting = running.abandoned(Replay, now=now)
    for replay_id in waiting:
        _ask(run_replay, replay_id=replay_id)
    seeking = running.abandoned(Calibration, now=now)
    for calibration_id in seeking:
        _ask(run_calibration, calibration_id=calibration_id)
    learning = running.abandoned(Training, now=now)
    for training_id in learning:
        _ask(run_training, training_id=training_id)
    return len(waiting) + len(seeking) + len(learning)


def nudge_replay(replay_id: int) -> None:
    """Ask a worker to do a replay now."""
    transaction.on_commit(partial(_ask, run_replay, replay_id=replay_id))


def nudge_training(training_id: int) -> None:
    """Ask a worker to train now."""
    transaction.on_commit(partial(_ask, run_training, training_id=training_id))


def nudge_calibration(calibration_id: int) -> None:
    """Ask a worker to do a calibration now."""
    transaction.on_commit(partial(_ask, run_calibration, calibration_id=calibration_id))


def _ask(task: Task, *, seconds: int = MESSAGE_SECONDS, **arguments: Any) -> None:
    """Send a message; without a broker the sweep over rows finds the work a little later."""
    try:
        task.apply_async(kwargs=arguments, expires=seconds, retry=False)
    except OperationalError as reason:
        log.warning("No message was sent, the next sweep will do: %s", reason)
