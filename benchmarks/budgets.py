"""Budgets of cascades: overspend, leaks, the cost of holding and settling, and the drain's rate."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db.models import Sum
from redis import Redis

from benchmarks import boot
from benchmarks.budget_clients import CENT, EXPIRES_S, LIMITS, NAIVE, event
from benchmarks.figures import Figure
from billing.models import Charge
from billing.usecases import prices
from cascade.adapters.counters import Counters
from cascade.adapters.stream import Stream
from cascade.domain.booking import EPOCH
from cascade.domain.events import Attempt, Trial, encode
from cascade.domain.prices import as_usd, cost_pico
from cascade.domain.request import Tokens
from cascade.domain.scopes import Hold, limits_of, names_of
from cascade.models import Attempt as AttemptRow
from cascade.models import Cascade
from cascade.queries.tariffs import price_table
from cascade.usecases.drain import drain
from portal.embedded import valkey
from portal.models import Feature, Team

PROCESSES, CLIENTS, ATTEMPTS = 4, 500, 3
PAIRS, AT_ONCE = 4_000, 64
TOLD = 30_000
# A gateway of 500 requests a second with two attempts each tells 1,500 events a second.
LEAST_EVENTS_A_SECOND = 1_500
PAIR_US = 200
MODEL = "us.amazon.nova-lite-v1:0"


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Measure against a Valkey of its own."""
    with _server() as url:
        return (*_overspend(url), *_leaks(url), *_pair(url), *_draining(url))


@contextmanager
def _server() -> Iterator[str]:
    store = valkey.prepare(data=Path(os.environ["SLIPWAY_HOME"]) / "valkey")
    process = subprocess.Popen(
        valkey.command(store),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not valkey.is_ready(store):
            time.sleep(0.05)
        yield store.cascade_url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _empty(url: str) -> Stream:
    stream = Stream(url)
    stream.server.flushdb()
    asyncio.run(Counters(url).begin())
    return stream


def _clients(url: str, *words: str) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.budget_clients", url]
    return [
        subprocess.Popen(
            [*command, str(place), str(CLIENTS), str(ATTEMPTS), *words],
            cwd=boot.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for place in range(PROCESSES)
    ]


def _over(found: dict[str, int]) -> int:
    return sum(max(0, found.get(name, 0) - limit) for name, limit in LIMITS.items())


def _month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"


def _sums(server: Redis, kind: str) -> dict[str, int]:
    found = server.hgetall(f"cascade:{kind}:{_month()}")
    return {name.decode(): int(micro) for name, micro in found.items()}


def _both(server: Redis) -> dict[str, int]:
    """Return what is spent and held at one moment."""
    with server.pipeline(transaction=True) as one_moment:
        one_moment.hgetall(f"cascade:spent:{_month()}")
        one_moment.hgetall(f"cascade:held:{_month()}")
        spent, held = one_moment.execute()
    return {
        name.decode(): int(spent.get(name, 0)) + int(held.get(name, 0)) for name in {*spent, *held}
    }


def _overspend(url: str) -> Iterator[Figure]:
    """Yield the overspend in micro-dollars, at any moment looked at and at the end."""
    stream = _empty(url)
    running, worst, looks = _clients(url, "exact"), 0, 0
    while any(process.poll() is None for process in running):
        worst, looks = max(worst, _over(_both(stream.server))), looks + 1
        time.sleep(0.01)
    granted = sum(int(process.communicate()[0]) for process in running)
    spent = _sums(stream.server, "spent")
    worst = max(worst, _over(spent))
    asked = PROCESSES * CLIENTS * ATTEMPTS
    share = spent["organisation"] / LIMITS["organisation"]
    remark = f"{granted:,} of {asked:,} granted, {looks} looks, organisation at {share:.1%}"
    name = f"overspend, {PROCESSES * CLIENTS:,} at once over four scopes and {PROCESSES} processes"
    yield Figure(name, worst, "micro-USD", 0, remark)
    for process in (running := _clients(url, "naive")):
        process.wait()
    granted = sum(int(process.communicate()[0]) for process in running)
    naive = {name: int(stream.server.get(NAIVE + name) or 0) for name in LIMITS}
    share = naive["organisation"] / LIMITS["organisation"]
    remark = f"{granted:,} granted, organisation at {share:.1%}"
    yield Figure(
        "the same with check, call, then add (peer)", _over(naive), "micro-USD", None, remark
    )
    stream.close()


def _leaks(url: str) -> Iterator[Figure]:
    """Yield what stays held, and how far counters and stream are apart, after every trouble."""
    stream = _empty(url)
    running = _clients(url, "exact", "trouble")
    while stream.server.hlen("cascade:holds") < CLIENTS:
        time.sleep(0.005)
    running[0].kill()
    running[1].kill()
    for process in running:
        process.wait()
    time.sleep(EXPIRES_S + 0.1)
    swept = stream.sweep()
    held = sum(abs(micro) for micro in _sums(stream.server, "held").values())
    told: dict[str, int] = {}
    for entries in stream.all():
        for entry in entries:
            body = json.loads(entry.body)
            who = {"key": body["key"], "feature": body["feature"], "team": body["team"]}
            for name in names_of(**who):
                told[name] = told.get(name, 0) + body["micro"]
    spent = _sums(stream.server, "spent")
    apart = sum(abs(spent.get(name, 0) - told.get(name, 0)) for name in {*spent, *told})
    remark = f"cancels, time-outs, two processes killed -9; {swept:,} holds swept"
    yield Figure("held after the sweep", held, "micro-USD", 0, remark)
    yield Figure("counters apart from the stream", apart, "micro-USD", 0)
    yield Figure("overspend meanwhile", _over(spent), "micro-USD", 0)
    stream.close()


def _pair(url: str) -> Iterator[Figure]:
    stream = _empty(url)

    def used() -> float:
        found = stream.server.info("cpu")
        return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])

    server, began, client = used(), time.perf_counter(), time.process_time()
    asyncio.run(_pairs(url))
    client, wall = time.process_time() - client, time.perf_counter() - began
    each = 1e6 / PAIRS
    remark = f"events made and encoded too; {PAIRS / wall:,.0f} pairs/s, {AT_ONCE} at once"
    yield Figure("reserve and settle, CPU of the client", client * each, "us", PAIR_US, remark)
    yield Figure("reserve and settle, CPU of the server", (used() - server) * each, "us")
    stream.close()


async def _pairs(url: str) -> None:
    counters = Counters(url, timeout_s=30)
    dice = random.Random(1)
    who = {"key": "k", "feature": 1, "team": 1}
    limits, names = limits_of(**who, limits=dict.fromkeys(LIMITS, 10**15)), names_of(**who)

    async def client() -> None:
        for _ in range(PAIRS // AT_ONCE):
            hold_id = str(UUID(int=dice.getrandbits(128), version=4))
            lost = event(hold_id, 0, 1, "lost")
            await counters.reserve(hold=Hold(hold_id, limits, CENT, 60, lost))
            told = event(hold_id, 0, 5, "answered")
            await counters.settle(hold_id=hold_id, scopes=names, micro=5, event=told)

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    await counters.close()


def _draining(url: str) -> Iterator[Figure]:
    """Yield how fast events become rows, roll-ups and charges, and how far sums are apart."""
    stream, now = _empty(url), datetime.now(UTC)
    cascade = _cascade(now)
    events = _told(cascade, now)
    with stream.server.pipeline(transaction=False) as pipeline:
        for each in events:
            pipeline.xadd("cascade:events", {"e": encode(each)})
        pipeline.execute()
    began = time.perf_counter()
    done = drain(stream=stream, now=now, batches=1_000)
    rate = done.entries / (time.perf_counter() - began)
    remark = f"one process; limit: {LEAST_EVENTS_A_SECOND:,} events/s"
    at_most = 1e6 / LEAST_EVENTS_A_SECOND
    yield Figure("drain", rate, "events/s")
    yield Figure("drain, each event", 1e6 / rate, "us", at_most, remark)
    exact = as_usd(sum(each.pico for each in events if isinstance(each, Attempt)))
    rows = AttemptRow.objects.aggregate(total=Sum("usd"))["total"]
    books = Charge.objects.filter(tier="cascade").aggregate(total=Sum("usd"))["total"]
    apart = float(max(abs(exact - rows), abs(exact - books)) * 10**12)
    yield Figure("attempts, rows and charges apart", apart, "pico-USD", 0, f"of {exact} USD")
    stream.close()


def _cascade(now: datetime) -> Cascade:
    prices.load_list(now=now - timedelta(days=1))
    team, _ = Team.objects.get_or_create(
        slug="bench-cascade", defaults={"name": "Bench", "created_at": now}
    )
    feature, _ = Feature.objects.get_or_create(
        slug="bench-cascade", defaults={"team": team, "name": "Bench", "created_at": now}
    )
    return Cascade.objects.create(
        feature=feature, environment="production", slug="bench-cascade", created_at=now
    )


def _told(cascade: Cascade, now: datetime) -> list[Attempt | Trial]:
    """Return events of requests with two attempts each."""
    dice, tariff = random.Random(1), price_table(now=now).tariffs[MODEL]
    at_us = (now - EPOCH) // timedelta(microseconds=1) - 60_000_000
    who = {
        "cascade": cascade.pk,
        "feature": cascade.feature_id,
        "team": cascade.feature.team_id,
        "key": "ab12cd34",
        "policy": 1,
    }
    events: list[Attempt | Trial] = []
    while len(events) < TOLD:
        trial = UUID(int=dice.getrandbits(128), version=4)
        made = [
            Attempt(
                id=UUID(int=dice.getrandbits(128), version=4),
                trial=trial,
                at_us=at_us + len(events),
                number=number,
                role="stage",
                stage="small",
                model=MODEL,
                outcome="answered",
                tokens=(used := Tokens(dice.randint(1, 3_000), dice.randint(1, 800))),
                pico=cost_pico(tariff, used),
                price_version="1",
                **who,
            )
            for number in (1, 2)
        ]
        events += made
        events.append(
            Trial(
                id=trial,
                at_us=at_us + len(events),
                status="answered",
                http=200,
                stage="small",
                prompt="How do I reset my password? " * 10,
                answer="Open the settings and choose a new one. " * 20,
                pico=sum(each.pico for each in made),
                baseline_pico=10**9,
                **who,
            )
        )
    return events
