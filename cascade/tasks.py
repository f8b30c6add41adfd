"""Celery shells: read the clock, make one call. A lost message costs seconds, nothing else."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from cascade.usecases import counters
from cascade.usecases.streams import CountersAway, stream_at, turn

log = logging.getLogger("slipway.tasks")


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
