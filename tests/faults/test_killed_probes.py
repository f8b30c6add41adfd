"""kill -9 in the middle of a probe: what was sent is counted and paid once, the rest is sent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from billing.models import Charge, Reservation, UsageEvent
from billing.usecases import budgets, prices
from deployments.adapters.served import requests_by_hour
from deployments.models import Probe
from deployments.usecases import probes, probing
from portal.access import SYSTEM
from portal.models import Feature
from tests.faults.workers import database_url
from tests.fixtures.servers import ROOT, Sandbox, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
NOVA = "amazon.nova-micro-v1:0"
RUN = """
import django; django.setup()
from django.utils import timezone
from deployments.usecases import probing
probing.run(probe_id={pk}, clock=timezone.now)
"""


def asked_for(feature: Feature) -> Probe:
    """Ask for a probe of thirty requests."""
    now = datetime.now(UTC)
    prices.load_list(now=now)
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(1_000), now=now)
    wish = probes.Wish(model=NOVA, route="us", requests=30, output_tokens=30)
    return probes.start(actor=SYSTEM, feature=feature, wish=wish, now=now)


def worker(probe: Probe) -> subprocess.Popen[bytes]:
    """Start a process of its own that runs the probe."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(pk=probe.pk)],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "AWS_ENDPOINT_URL": str(settings.AWS_ENDPOINT_URL),
            "DB_POOL_MIN": "1",
            "DB_POOL_MAX": "2",
        },
        stdin=subprocess.DEVNULL,
    )


def paid_for() -> Decimal:
    return sum((row.usd for row in Charge.objects.all()), Decimal(0))


def invocations(model: str) -> int:
    """Return how many requests AWS has counted."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    seen: Any = [("bedrock.inference-profile", {"id": model}, "p", {})]
    found = requests_by_hour(resources=seen, start=end - timedelta(hours=2), end=end)
    return int(sum((found or {}).values()))


def test_a_probe_whose_worker_is_killed_sends_each_request_once_and_pays_it_once(
    feature: Feature, sandbox: Sandbox
) -> None:
    sandbox.reset()
    probe = asked_for(feature)
    process = worker(probe)
    try:
        wait_until(
            lambda: Probe.objects.get(pk=probe.pk).answered >= 5,
            what="some requests were answered",
            process=process,
        )
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    time.sleep(0.5)  # what was on its way arrives
    probe.refresh_from_db()
    sent_before = probe.sent
    assert 5 <= sent_before < 30
    assert probe.ended_at is None
    assert probing.run(probe_id=probe.pk, clock=lambda: datetime.now(UTC)) is None

    later = timedelta(seconds=probing.LEASE.total_seconds() + 1)
    done = probing.run(probe_id=probe.pk, clock=lambda: datetime.now(UTC) + later)

    assert done is not None
    assert (done.sent, done.answered + done.lost) == (30, 30)
    assert done.lost <= 1
    # AWS has counted every request that was answered, and never one twice.
    assert done.answered <= invocations(f"us.{NOVA}") <= done.sent
    assert done.spent_usd == paid_for() <= done.most_usd
    assert UsageEvent.objects.values("uid").distinct().count() == 60
    assert not Reservation.objects.filter(released_at=None).exists()


def test_two_workers_at_once_send_no_request_twice(feature: Feature, sandbox: Sandbox) -> None:
    sandbox.reset()
    probe = asked_for(feature)
    ended: list[Probe | None] = []
    together = threading.Barrier(2)

    def one() -> None:
        try:
            together.wait(timeout=30)
            ended.append(probing.run(probe_id=probe.pk, clock=lambda: datetime.now(UTC)))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=120)

    assert sum(each is not None for each in ended) == 1
    probe.refresh_from_db()
    assert (probe.sent, probe.answered) == (30, 30)
    assert invocations(f"us.{NOVA}") == 30
    assert probe.spent_usd == paid_for()
