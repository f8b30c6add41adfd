"""kill -9 of gateways and of workers: nothing lost, nothing twice, not a micro-dollar leaked."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum

from billing.models import Charge, UsageEvent, UsageRefusal
from billing.usecases import prices
from cascade.adapters.counters import CountersAway
from cascade.adapters.stream import Stream
from cascade.models import (
    Alert,
    Attempt,
    Cascade,
    CascadeHour,
    ScopeMonth,
    StageHour,
    Trial,
    UnreadEvent,
)
from cascade.usecases import counters
from cascade.usecases.streams import turn
from portal.embedded import valkey
from portal.embedded.children import tied
from portal.models import Feature
from tests import environment
from tests.faults.money_gateway import EXPIRES_S
from tests.faults.workers import database_url
from tests.fixtures.servers import ROOT, wait_until
from tests.integration.cascade.money_drill import total

pytestmark = pytest.mark.django_db(transaction=True)
SEED = 20261121
SECONDS = 12
# What PostgreSQL calls their connections.
WORKERS = "killed-workers"
WORKER = """
import sys, time
import django; django.setup()
from django.utils import timezone
from cascade.usecases.streams import stream_at, turn
with stream_at(sys.argv[1]) as stream:
    while True:
        turn(stream=stream, now=timezone.now())
        time.sleep(0.01)
"""


def begin(*words: str) -> subprocess.Popen[bytes]:
    """Start a process that dies with this one."""
    return subprocess.Popen(
        tied([sys.executable, *words], dies_by=signal.SIGKILL),
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DB_POOL_MAX": "2",
            "PGAPPNAME": WORKERS,
        },
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def processes() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Return processes by name; all are killed at the end."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        yield running
    finally:
        for process in running.values():
            process.kill()
            process.wait(timeout=10)


@pytest.fixture
def cascade(feature: Feature) -> Cascade:
    """A cascade with the product's prices."""
    now = datetime.now(UTC)
    prices.load_list(now=now - timedelta(days=1))
    return Cascade.objects.create(
        feature=feature, environment="production", slug="chatbot-cascade", created_at=now
    )


def month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"


def held(stream: Stream) -> dict[bytes, int]:
    found = stream.server.hgetall(f"cascade:held:{month()}")
    return {name: int(micro) for name, micro in found.items()}


@pytest.mark.parametrize(
    "seconds", [SECONDS, pytest.param(8 * SECONDS, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_killed_gateways_and_workers_lose_nothing_and_book_nothing_twice(
    cascade: Cascade, cascade_url: str, seconds: int
) -> None:
    dice, kills = random.Random(SEED), 0
    stream = Stream(cascade_url)
    turn(stream=stream, now=datetime.now(UTC))
    who = [str(pk) for pk in (cascade.pk, cascade.feature_id, cascade.feature.team_id)]

    def start(name: str) -> subprocess.Popen[bytes]:
        if name == "worker":
            return begin("-c", WORKER, cascade_url)
        words = ("-m", "tests.faults.money_gateway", cascade_url)
        return begin(*words, str(dice.getrandbits(32)), *who)

    with processes() as running:
        for name in ("gateway-1", "gateway-2", "worker"):
            running[name] = start(name)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends or kills < 6:
            time.sleep(dice.uniform(0.5, 1.5))
            name = dice.choice(sorted(running))
            running[name].kill()
            running[name].wait(timeout=10)
            kills += 1
            running[name] = start(name)

    time.sleep(EXPIRES_S + 0.1)
    turn(stream=stream, now=datetime.now(UTC))
    assert_all_is_well(stream)
    assert Attempt.objects.filter(outcome="lost").exists()
    assert Attempt.objects.count() > 200


def assert_all_is_well(stream: Stream) -> None:
    """Nothing is held, nothing waits, and every sum is the same."""
    assert stream.length() == 0
    assert set(held(stream).values()) <= {0}
    assert stream.server.hlen("cascade:holds") == stream.server.zcard("cascade:due") == 0
    assert counters.check(stream=stream, now=datetime.now(UTC)) == ()
    micro = Attempt.objects.aggregate(total=Sum("micro"))["total"]
    assert set(ScopeMonth.objects.values_list("micro", flat=True)) == {micro}
    assert total(Attempt, "usd") == total(StageHour, "usd") == total(Charge, "usd") > 0
    assert total(Trial, "usd") == total(CascadeHour, "usd") > 0
    spent = stream.server.hgetall(f"cascade:spent:{month()}")
    assert {int(each) for each in spent.values()} == {micro}
    tokens = UsageEvent.objects.aggregate(total=Sum("quantity"))["total"]
    used = Attempt.objects.aggregate(input=Sum("input_tokens"), output=Sum("output_tokens"))
    assert tokens == Decimal(used["input"] + used["output"])
    assert not UsageRefusal.objects.exists()
    assert not UnreadEvent.objects.exists()
    assert not Alert.objects.exists()


@contextmanager
def server(store: valkey.Store) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        valkey.command(store),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: valkey.is_ready(store), what="Valkey starts", process=process)
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


def test_a_killed_counters_server_comes_back_with_what_it_was_told(cascade: Cascade) -> None:
    store = valkey.prepare(data=environment.HOME / "killed" / "counters")
    who = [str(pk) for pk in (cascade.pk, cascade.feature_id, cascade.feature.team_id)]
    stream = Stream(store.cascade_url)
    with ExitStack() as stack:
        running = stack.enter_context(processes())
        with server(store):
            turn(stream=stream, now=datetime.now(UTC))
            words = ("-m", "tests.faults.money_gateway", store.cascade_url, "1", *who)
            running["gateway"] = begin(*words)
            wait_until(lambda: stream.length() > 200, what="some is spent")
        # The server was killed -9; the gateway, which could not go on, has ended by itself.
        with pytest.raises(CountersAway):
            turn(stream=stream, now=datetime.now(UTC))
        running["gateway"].wait(timeout=20)
        stack.enter_context(server(store))
        wait_until(lambda: _answers(stream), what="its log is read")
        time.sleep(EXPIRES_S + 0.1)
        turn(stream=stream, now=datetime.now(UTC))
        assert_all_is_well(stream)
        assert Attempt.objects.count() > 50


def _answers(stream: Stream) -> bool:
    try:
        return stream.is_built()
    except CountersAway:
        return False


def test_while_postgresql_is_away_the_stream_keeps_what_is_told(
    cascade: Cascade, cascade_url: str
) -> None:
    stream = Stream(cascade_url)
    turn(stream=stream, now=datetime.now(UTC))
    who = [str(pk) for pk in (cascade.pk, cascade.feature_id, cascade.feature.team_id)]
    with processes() as running:
        running["worker"] = begin("-c", WORKER, cascade_url)
        running["gateway"] = begin("-m", "tests.faults.money_gateway", cascade_url, "2", *who)
        wait_until(lambda: Attempt.objects.count() > 50, what="some is booked")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = %s",
                [WORKERS],
            )
            assert cursor.rowcount > 0
        # Its transaction died under it: the worker's turn ends, another turn goes on.
        running["worker"].wait(timeout=20)
        wait_until(lambda: stream.length() > 100, what="the stream keeps it")
        running["worker"] = begin("-c", WORKER, cascade_url)
        wait_until(lambda: Attempt.objects.count() > 300, what="it is booked after all")
    time.sleep(EXPIRES_S + 0.1)
    turn(stream=stream, now=datetime.now(UTC))
    assert_all_is_well(stream)
