"""The counters follow the rows: after a wipe, beside live traffic, and beside other spend."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from billing.domain.usage import Usage
from billing.usecases import prices
from billing.usecases.budgets import set_budget
from billing.usecases.metering import record_usage
from billing.usecases.reservations import reserve
from cascade import tasks
from cascade.adapters.counters import Counters, CountersAway
from cascade.adapters.stream import Stream
from cascade.domain.events import encode
from cascade.domain.scopes import Hold, limits_of
from cascade.models import Alert, Attempt
from cascade.usecases import counters
from cascade.usecases.drain import drain, hold_head
from cascade.usecases.streams import turn
from portal.access import SYSTEM
from portal.models import Feature
from tests.integration.cascade.money_drill import (
    KEY,
    Gateway,
    charged,
    gateway,
    lost,
    requests,
    spent,
    sums,
    tell,
    usd_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drill(feature: Feature, noon: datetime) -> Gateway:
    """A gateway with the product's prices."""
    prices.load_list(now=noon - timedelta(days=2))
    return gateway(feature, now=noon)


@pytest.fixture
def stream(cascade_url: str) -> Iterator[Stream]:
    """The stream, empty."""
    made = Stream(cascade_url)
    yield made
    made.close()


def micro(drill: Gateway) -> int:
    return sum(each.micro for each in drill.attempts)


def test_a_wiped_server_counts_again_exactly_what_rows_were_charged(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    tell(cascade_url, requests(drill, 60))
    drain(stream=stream, now=noon)
    before = spent(cascade_url)
    stream.server.flushdb()

    turn(stream=stream, now=noon)

    assert spent(cascade_url) == before == charged()
    assert counters.check(stream=stream, now=noon) == ()


def test_what_still_waits_in_the_stream_counts_too_and_only_once(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    events = requests(drill, 60)
    tell(cascade_url, events[:80])
    drain(stream=stream, now=noon)
    tell(cascade_url, events[80:])
    # A worker that was killed between its commit and the removal leaves what is kept already.
    for event in events[:10]:
        stream.server.xadd("cascade:events", {"e": encode(event)})
    stream.server.delete("cascade:spent:2026-11", "cascade:built")

    made = counters.rebuild(stream=stream, now=noon)

    assert set(spent(cascade_url).values()) == {micro(drill)} == {made.organisation_micro}
    drain(stream=stream, now=noon)
    assert counters.check(stream=stream, now=noon) == ()


def test_counters_made_anew_under_traffic_are_exact(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    events = requests(drill, 250)
    teller = threading.Thread(target=tell, args=(cascade_url, events))
    teller.start()
    rounds = 0
    while teller.is_alive() or rounds < 3:
        counters.rebuild(stream=stream, now=noon)
        assert counters.check(stream=stream, now=noon) == ()
        drain(stream=stream, now=noon, batches=1)
        rounds += 1
    teller.join()
    drain(stream=stream, now=noon)

    assert set(spent(cascade_url).values()) == {micro(drill)}
    assert set(sums().values()) == {usd_of(drill.attempts)}
    assert not Alert.objects.exists()


def test_a_counter_that_somebody_changed_is_told_and_made_right(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    tell(cascade_url, requests(drill, 20))
    drain(stream=stream, now=noon)
    right = spent(cascade_url)
    stream.server.hincrby("cascade:spent:2026-11", f"key:{KEY}", 5)
    stream.server.hset("cascade:held:2026-11", "organisation", 77)
    stream.server.hset("cascade:spent:2026-11", "team:999", 1)

    found = counters.check(stream=stream, now=noon)

    assert {(each.counter[8:13], each.scope, each.is_micro - each.should_micro) for each in found}
    assert sorted(each.is_micro - each.should_micro for each in found) == [1, 5, 77]
    assert Alert.objects.get().kind == "counters-drift"
    counters.rebuild(stream=stream, now=noon)
    assert counters.check(stream=stream, now=noon) == ()
    assert spent(cascade_url) == right


def test_what_is_held_stays_held_when_counters_are_made_anew(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    attempt = next(each for each in requests(drill, 9) if getattr(each, "pico", 0))

    async def hold() -> None:
        held = Counters(cascade_url)
        await held.begin()
        names = {"key": KEY, "feature": attempt.feature, "team": attempt.team}
        await held.reserve(
            hold=Hold(
                hold_id=str(attempt.id),
                scopes=limits_of(**names, limits={}),
                micro=900,
                expires_s=60,
                on_loss=encode(lost(attempt)),
            )
        )
        await held.close()

    asyncio.run(hold())
    counters.rebuild(stream=stream, now=noon)

    assert stream.server.hget("cascade:held:2026-11", "organisation") == b"900"


def test_until_they_are_made_anew_nothing_is_granted(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    with pytest.raises(CountersAway):
        asyncio.run(_ask(cascade_url, drill))
    turn(stream=stream, now=noon)
    asyncio.run(_ask(cascade_url, drill))


async def _ask(url: str, drill: Gateway) -> None:
    asking = Counters(url)
    attempt = drill.request()[0][0]
    names = {"key": KEY, "feature": attempt.feature, "team": attempt.team}
    scopes = limits_of(**names, limits={})
    try:
        await asking.reserve(hold=Hold(str(attempt.id), scopes, 1, 60, encode(lost(attempt))))
    finally:
        await asking.close()


def test_two_workers_never_drain_at_once(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    tell(cascade_url, requests(drill, 5))
    busy: list[Any] = []

    def other() -> None:
        try:
            busy.append(drain(stream=stream, now=noon))
        finally:
            connection.close()

    with transaction.atomic():
        assert hold_head(is_waiting=False)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert (busy[0].is_busy, busy[0].entries) == (True, 0)
    assert drain(stream=stream, now=noon).trials == 5


def test_limits_know_what_everything_else_takes_of_the_month(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime, feature: Feature
) -> None:
    tell(cascade_url, requests(drill, 20))
    drain(stream=stream, now=noon)
    set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(200_000), now=noon)
    with transaction.atomic():
        reserve(feature=feature, deployment="chatbot-gpu", monthly_usd=Decimal(1_500), now=noon)
    record_usage(usage=[_tokens(feature, noon)], read_to={}, now=noon)

    counters.publish_other(stream=stream, now=noon)

    # The larger of held and spent for each deployment; what cascades spent is counted already.
    november = {b"organisation": b"1500060000", f"team:{feature.team_id}".encode(): b"1500060000"}
    assert stream.server.hgetall("cascade:other:2026-11") == november
    december = {b"organisation": b"1500000000", f"team:{feature.team_id}".encode(): b"1500000000"}
    assert stream.server.hgetall("cascade:other:2026-12") == december


def _tokens(feature: Feature, noon: datetime) -> Usage:
    return Usage(
        uid="one",
        feature_id=feature.pk,
        deployment="chatbot-production",
        environment="production",
        tier="bedrock-on-demand",
        model="amazon.nova-lite-v1:0",
        resource="profile",
        sku="bedrock:amazon.nova-lite-v1:0:us:input",
        quantity=Decimal(1_000_000),
        unit="token",
        started_at=noon - timedelta(hours=1),
        ended_at=noon,
    )


def test_the_tasks_of_the_worker_do_all_of_it(
    drill: Gateway, stream: Stream, cascade_url: str, settings: Any
) -> None:
    settings.CASCADE_URL = cascade_url
    tell(cascade_url, requests(drill, 10))
    stream.server.flushdb()
    tell(cascade_url, requests(drill, 10))

    waiting = stream.length()
    assert tasks.drain() == waiting
    tasks.publish_other()
    assert stream.length() == 0
    assert stream.is_built()


def test_without_a_server_the_tasks_wait_for_the_next_turn(settings: Any) -> None:
    settings.CASCADE_URL = "unix:///nowhere.sock?db=2"
    assert tasks.drain() == 0
    assert tasks.check_counters() == 0
    tasks.publish_other()
    settings.CASCADE_URL = ""
    assert tasks.drain() == 0


def test_the_command_says_what_it_did_and_what_was_wrong(
    drill: Gateway, stream: Stream, cascade_url: str, settings: Any
) -> None:
    settings.CASCADE_URL = cascade_url
    out = StringIO()
    call_command("rebuild_counters", stdout=out)
    assert "0 scopes" in out.getvalue()
    stream.server.hset("cascade:spent:2026-11", "organisation", 5)
    call_command("rebuild_counters", "--check", stdout=out)
    assert "organisation: 5 micro-dollars, should be 0" in out.getvalue()
    settings.CASCADE_URL = ""
    with pytest.raises(CommandError, match="CASCADE_URL"):
        call_command("rebuild_counters")


def test_nobody_drains_inside_a_transaction_that_may_still_fail(
    drill: Gateway, stream: Stream, cascade_url: str, noon: datetime
) -> None:
    tell(cascade_url, requests(drill, 5))
    waiting = stream.length()

    def inside() -> None:
        with transaction.atomic():
            drain(stream=stream, now=noon)

    with pytest.raises(RuntimeError, match="durable"):
        inside()
    assert (stream.length(), Attempt.objects.count()) == (waiting, 0)
