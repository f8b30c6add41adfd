"""The gateway before a Bedrock on loopback: what it adds, what it carries, what it keeps."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks import gateway_peer
from benchmarks.figures import Figure
from benchmarks.gateway_load import Place, at_share, first_words, many, steady
from benchmarks.gateway_policy import snapshot
from cascade.adapters.counters import Counters
from portal.embedded import valkey

SECONDS = 8
SATURATING = 8_000
MEMORY_WARM_UP = 10_000
# The last word of the upstream's first sentence.
SENTENCE_END = b"noon"
PEER_RATES = (100, 500)
# Published for a peer, as read on 2026-11-20: LiteLLM adds 2 ms at the median and 13 ms at the 99th
# percentile at 1,170/s with four instances of 4 CPUs (its docs, benchmarks.md); on one machine of 4
# vCPU 39.7 ms at the 99th at 500/s, and it failed at 1,000/s (TensorZero's docs, benchmarks.mdx).
PEER = "LiteLLM: p99 39.7 ms at 500/s on 4 vCPU, failing at 1,000/s (TensorZero's docs)"


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Measure everything against one gateway process."""
    with _place() as place:
        print(f"gateway: {PEER}", flush=True)
        asyncio.run(steady(place, rate=200, seconds=3))
        if folder := os.environ.get("LITELLM"):
            print(_beside(place, Path(folder)), flush=True)
        return (
            *_added(place),
            *_carried(place),
            *_first_token(place),
            *_memory(place, options.requests),
        )


def _beside(place: Place, folder: Path) -> str:
    """Return what a peer adds before the same upstream, under the same load."""
    port, words = _free(), []
    peer = replace(place, gateway=f"http://127.0.0.1:{port}", secret=gateway_peer.KEY)
    with gateway_peer.proxy(folder=folder, upstream=place.upstream, port=port):
        _until(lambda: _listens(port), within_s=120)
        asyncio.run(steady(peer, rate=20, seconds=3))
        for rate in PEER_RATES:
            direct = asyncio.run(steady(place, rate=rate, seconds=SECONDS, is_direct=True))
            through = asyncio.run(steady(peer, rate=rate, seconds=SECONDS))
            added = [through.at(share) - direct.at(share) for share in (0.5, 0.99)]
            words.append(
                f"at {rate}/s adds p50 {added[0]:.1f} and p99 {added[1]:.1f} ms, "
                f"{through.rate:.0f}/s answered, {through.errors} errors"
            )
    return f"gateway: LiteLLM {gateway_peer.version(folder)} here {'; '.join(words)}"


def _added(place: Place) -> Iterator[Figure]:
    direct = asyncio.run(steady(place, rate=500, seconds=SECONDS, is_direct=True))
    before = _cpu_s(place.pid)
    through = asyncio.run(steady(place, rate=500, seconds=SECONDS))
    cpu_us = 1e6 * (_cpu_s(place.pid) - before) / len(through.took_ms)
    told = f"direct {direct.at(0.5):.1f}, through {through.at(0.5):.1f} ms"
    yield Figure("added at 500/s, p50", through.at(0.5) - direct.at(0.5), "ms", 1.0, told)
    told = f"direct {direct.at(0.99):.1f}, through {through.at(0.99):.1f} ms"
    yield Figure("added at 500/s, p99", through.at(0.99) - direct.at(0.99), "ms", 5.0, told)
    own = f"as the gateway itself says; p99 {at_share(through.own_ms, 0.99):.2f} ms"
    yield Figure("own part at 500/s, p50", at_share(through.own_ms, 0.5), "ms", 1.0, own)
    yield Figure("errors at 500/s", through.errors, "", 0, noise=1)
    told = "more than when busy: caches are cold, and every event wakes the process by itself"
    yield Figure("CPU a request at 500/s", cpu_us, "us", None, told)
    before = _cpu_s(place.pid)
    asyncio.run(many(place, SATURATING))
    cpu_us = 1e6 * (_cpu_s(place.pid) - before) / SATURATING
    told = f"as many as it takes: {1e6 / cpu_us:,.0f} requests/s a core"
    yield Figure("CPU a request", cpu_us, "us", 1e6 / 1_500, told)


def _carried(place: Place) -> Iterator[Figure]:
    load = asyncio.run(steady(place, rate=1_000, seconds=SECONDS))
    told = f"{load.rate:,.0f}/s answered, p50 {load.at(0.5):.1f} ms, p99 {load.at(0.99):.1f} ms"
    yield Figure("errors at 1,000/s", load.errors, "", 0, told, noise=1)


def _first_token(place: Place) -> Iterator[Figure]:
    direct = sorted(asyncio.run(first_words(place, is_direct=True)))
    through = sorted(asyncio.run(first_words(place)))
    added = at_share(through, 0.5) - at_share(direct, 0.5)
    told = (
        f"direct {at_share(direct, 0.5):.1f}, through {at_share(through, 0.5):.1f} ms at the median"
    )
    yield Figure("first token in commit mode, later", added, "ms", 50, told)
    ended = sorted(asyncio.run(first_words(place, word=SENTENCE_END, is_direct=True)))
    told = f"the model itself ends its first sentence after {at_share(ended, 0.5):.1f} ms"
    own = at_share(through, 0.5) - at_share(ended, 0.5)
    yield Figure("first token later than the model's first sentence", own, "ms", None, told)


def _memory(place: Place, requests: int) -> Iterator[Figure]:
    asyncio.run(many(place, MEMORY_WARM_UP))
    before = _rss_mib(place.pid)
    asyncio.run(many(place, requests))
    after = _rss_mib(place.pid)
    told = f"{before:.0f} to {after:.0f} MiB over {requests:,} requests"
    yield Figure("memory grown", 100 * (after / before - 1), "%", 5, told)


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
        server.set("cascade:snapshot", json.dumps(snapshot()))
        server.set("cascade:snapshot:version", 1)


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


def _until(is_so: Any, *, within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"A server of the benchmark did not start within {within_s:g} s.")
        time.sleep(0.05)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
