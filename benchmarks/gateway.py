"""The gateway before a Bedrock on loopback: what it adds, what it carries, what it keeps."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from redis import Redis

from benchmarks.figures import Figure
from cascade.adapters.counters import Counters
from portal.embedded import valkey

SECRET = "slwk_0123abcd_" + "b" * 32
MODELS = ("m.small", "m.medium", "m.large")
QUESTION = "Where is my order, and when does the order arrive?"
SECONDS = 8
WARM_UP = 500
MEMORY_REQUESTS = 40_000
# Published for a peer, LiteLLM: 8 ms at the median of four instances with 4 CPU each, 13 ms p99
# (its documentation, benchmarks); independently 40 ms p99 at 500 requests/s on 4 vCPU and failing
# at 1,000 (TensorZero's benchmarks). As read on 2026-11-20.
PEER = "LiteLLM publishes p50 2 and p99 13 ms at 1,170/s on 16 vCPU (docs, benchmarks.md)"


@dataclass(frozen=True, slots=True)
class Place:
    """The running gateway and its upstream."""

    gateway: str
    upstream: str
    pid: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a load measured: milliseconds sorted, the gateway's own part sorted, failures."""

    took_ms: Sequence[float]
    own_ms: Sequence[float]
    errors: int
    rate: float

    def at(self, share: float) -> float:
        """Return a percentile of the time a request took."""
        return _at(self.took_ms, share)


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Measure everything against one gateway process."""
    with _place() as place:
        print(f"gateway: {PEER}", flush=True)
        asyncio.run(_load(place, rate=200, seconds=3))
        return (
            *_added(place),
            *_carried(place),
            *_first_token(place),
            *_memory(place),
        )


def _added(place: Place) -> Iterator[Figure]:
    direct = asyncio.run(_load(place, rate=500, seconds=SECONDS, is_direct=True))
    before = _cpu_s(place.pid)
    through = asyncio.run(_load(place, rate=500, seconds=SECONDS))
    cpu_us = 1e6 * (_cpu_s(place.pid) - before) / len(through.took_ms)
    told = f"direct {direct.at(0.5):.1f}, through {through.at(0.5):.1f} ms"
    yield Figure("added at 500/s, p50", through.at(0.5) - direct.at(0.5), "ms", 1.0, told)
    told = f"direct {direct.at(0.99):.1f}, through {through.at(0.99):.1f} ms"
    yield Figure("added at 500/s, p99", through.at(0.99) - direct.at(0.99), "ms", 5.0, told)
    own = f"as the gateway itself says; p99 {_at(through.own_ms, 0.99):.2f} ms"
    yield Figure("own part at 500/s, p50", _at(through.own_ms, 0.5), "ms", 1.0, own)
    yield Figure("errors at 500/s", through.errors, "", 0, noise=1)
    yield Figure(
        "CPU a request", cpu_us, "us", 1e6 / 1_500, f"{1e6 / cpu_us:,.0f} requests/s a core"
    )


def _carried(place: Place) -> Iterator[Figure]:
    load = asyncio.run(_load(place, rate=1_000, seconds=SECONDS))
    told = f"{load.rate:,.0f}/s answered, p50 {load.at(0.5):.1f} ms, p99 {load.at(0.99):.1f} ms"
    yield Figure("errors at 1,000/s", load.errors, "", 0, told, noise=1)


def _first_token(place: Place) -> Iterator[Figure]:
    direct = sorted(asyncio.run(_first(place, is_direct=True)))
    through = sorted(asyncio.run(_first(place)))
    added = _at(through, 0.5) - _at(direct, 0.5)
    told = f"direct {_at(direct, 0.5):.1f}, through {_at(through, 0.5):.1f} ms at the median"
    yield Figure("first token in commit mode, later", added, "ms", 50, told)


def _memory(place: Place) -> Iterator[Figure]:
    asyncio.run(_many(place, MEMORY_REQUESTS // 4))
    before = _rss_mib(place.pid)
    asyncio.run(_many(place, MEMORY_REQUESTS))
    after = _rss_mib(place.pid)
    told = f"{before:.0f} to {after:.0f} MiB over {MEMORY_REQUESTS:,} requests"
    yield Figure("memory grown", 100 * (after / before - 1), "%", 5, told)


def _at(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


# The place


@contextmanager
def _place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        store = valkey.prepare(data=Path(folder) / "valkey")
        upstream, gateway = _free(), _free()
        environment = {
            **os.environ,
            "CASCADE_URL": store.cascade_url,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{upstream}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        python = sys.executable
        command = [python, "-m", "cascade.gateway", "--port", str(gateway)]
        with (
            _process(valkey.command(store), environment),
            _process([python, "-m", "benchmarks.gateway_upstream", str(upstream)], environment),
        ):
            _until(lambda: valkey.is_ready(store))
            _prepare(store.cascade_url)
            with _process(command, environment) as process:
                _until(lambda: _listens(gateway) and _listens(upstream))
                yield Place(
                    f"http://127.0.0.1:{gateway}",
                    f"http://127.0.0.1:{upstream}",
                    process.pid,
                )


def _prepare(url: str) -> None:
    asyncio.run(Counters(url).begin())
    with Redis.from_url(url) as server:
        server.set("cascade:snapshot", json.dumps(_snapshot()))
        server.set("cascade:snapshot:version", 1)


def _snapshot() -> dict[str, Any]:
    stages = [
        {"name": model[2:], "target": {"model": model, "address": model}, "threshold": 0.6}
        for model in MODELS
    ]
    policy = {"stages": stages, "streaming": "commit", "shadow_share": 0.0}
    tariff = {
        "input": 10**12, "output": 5 * 10**12, "cached": 10**11, "long_from": 0, "long": None,
        "is_hourly": False,
    }  # fmt: skip
    key = {
        "digest": hashlib.sha256(SECRET.encode()).hexdigest(), "cascade": 1,
        "requests_per_minute": 10_000_000, "tokens_per_minute": 10_000_000_000,
        "max_output_tokens": None, "monthly_micro": 10**13, "expires_at": None, "revoked": False,
    }  # fmt: skip
    limits = {"feature_micro": 10**13, "team_micro": 10**13, "organisation_micro": 10**13}
    cascade = {
        "slug": "chat", "feature": {"id": 1, "slug": "chat"}, "team": {"id": 1, "slug": "chat"},
        "environment": "production", "limits": limits, "weights": {}, "canary": None,
        "live": {"number": 1, "policy": policy},
    }  # fmt: skip
    prices = {"version": "p", "as_of": "2026-11-20", "tariffs": dict.fromkeys(MODELS, tariff)}
    return {
        "version": 1, "made_at": "2026-11-21T00:00:00+00:00", "region": "us-east-1",
        "prices": prices, "cascades": {"1": cascade}, "keys": {"0123abcd": key},
    }  # fmt: skip


@contextmanager
def _process(
    command: Sequence[Any], environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [str(word) for word in command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(is_so: Any) -> None:
    until = time.monotonic() + 30
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError("A server of the benchmark did not start within 30 s.")
        time.sleep(0.05)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# The load


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=30)
    )


def _asked(place: Place, *, is_direct: bool, streams: bool = False) -> tuple[str, dict[str, Any]]:
    if is_direct:
        verb = "converse-stream" if streams else "converse"
        body = {"messages": [{"role": "user", "content": [{"text": QUESTION}]}]}
        return f"{place.upstream}/model/m.small/{verb}", {"json": body}
    body = {"model": "chat", "messages": [{"role": "user", "content": QUESTION}], "stream": streams}
    headers = {"authorization": f"Bearer {SECRET}"}
    return f"{place.gateway}/v1/chat/completions", {"json": body, "headers": headers}


async def _load(place: Place, *, rate: int, seconds: int, is_direct: bool = False) -> Load:
    """Send requests at a steady rate, whatever becomes of those before."""
    took: list[float] = []
    own: list[float] = []
    errors = 0
    url, sent = _asked(place, is_direct=is_direct)

    async def one(session: aiohttp.ClientSession) -> None:
        nonlocal errors
        began = time.perf_counter()
        try:
            async with session.post(url, **sent) as reply:
                await reply.read()
                errors += reply.status != 200
                own.append(float(reply.headers.get("x-cascade-overhead-ms", "nan")))
        except (aiohttp.ClientError, TimeoutError):
            errors += 1
        took.append(1000 * (time.perf_counter() - began))

    async with _session() as session:
        tasks = []
        began = time.perf_counter()
        for number in range(rate * seconds):
            wait = began + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one(session)))
        await asyncio.gather(*tasks)
        lasted = time.perf_counter() - began
    kept = took[WARM_UP:] if len(took) > 4 * WARM_UP else took
    return Load(
        sorted(kept), sorted(each for each in own if each == each), errors, len(took) / lasted
    )


async def _many(place: Place, count: int, at_once: int = 32) -> None:
    """Send many requests, some at a time."""
    url, sent = _asked(place, is_direct=False)
    left = iter(range(count))

    async def some(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(url, **sent) as reply:
                await reply.read()

    async with _session() as session:
        await asyncio.gather(*(some(session) for _ in range(at_once)))


async def _first(place: Place, *, is_direct: bool = False, count: int = 100) -> list[float]:
    """Return the milliseconds until the first words of streams came."""
    url, sent = _asked(place, is_direct=is_direct, streams=True)
    found = []
    async with _session() as session:
        for _ in range(count):
            began = time.perf_counter()
            async with session.post(url, **sent) as reply:
                heard = b""
                async for part in reply.content.iter_any():
                    heard += part
                    if b"Your" in heard:
                        found.append(1000 * (time.perf_counter() - began))
                        break
                async for _part in reply.content.iter_any():
                    pass
    return found
