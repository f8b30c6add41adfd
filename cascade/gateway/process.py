"""A gateway process: opens what it needs, follows the snapshot, and drains before it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from cascade.adapters.counters import Counters
from cascade.adapters.upstreams import open_upstreams
from cascade.domain.connection import connection
from cascade.gateway import doors
from cascade.gateway.app import Gateway, Receive, Scope
from cascade.gateway.calls import Caller
from cascade.gateway.faces import Send
from cascade.gateway.money import Purse
from cascade.gateway.snapshot import Holder
from portal.signing import Keychain

log = logging.getLogger("slipway.gateway")

SNAPSHOT, VERSION = "cascade:snapshot", "cascade:snapshot:version"
BREAKERS = "cascade:breakers"
LOOK_EVERY_S = 1.0
# A server that hears nothing for so long may be gone without a word.
SILENCE_S = 30.0
BREAKERS_LAST_S = 15
# What is told to stop is killed after 30 s by ECS and by most; 25 s by this product's own servers.
DRAIN_S = "20"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says: where the counters are, and where a snapshot is kept.

    Requests have `drain_s` to end when the process is told to stop; then they are cut.
    """

    counters_url: str
    snapshot_file: Path | None
    most_in_flight: int
    drain_s: float = float(DRAIN_S)


def settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises SystemExit with a sentence when something is missing."""
    url = environ.get("CASCADE_URL", "")
    if not url:
        raise SystemExit("CASCADE_URL is not set: the gateway needs its counters' server.")
    kept = environ.get("GATEWAY_SNAPSHOT_FILE", "")
    most = environ.get("GATEWAY_MOST_IN_FLIGHT", "1000")
    if not most.isdigit() or not 1 <= int(most) <= 100_000:
        raise SystemExit(f"GATEWAY_MOST_IN_FLIGHT is a number from 1 to 100,000, not {most!r}.")
    drain = environ.get("GATEWAY_DRAIN_S", DRAIN_S)
    if not drain.isdigit() or not 1 <= int(drain) <= 900:
        raise SystemExit(f"GATEWAY_DRAIN_S is a number of seconds from 1 to 900, not {drain!r}.")
    return Settings(url, Path(kept) if kept else None, int(most), float(drain))


@asynccontextmanager
async def opened(found: Settings, environ: Mapping[str, str]) -> AsyncIterator[Gateway]:
    """Yield a gateway that answers; end it cleanly."""
    counters = Counters(found.counters_url)
    upstreams = open_upstreams(connection=connection(environ), keychain=Keychain(), environ=environ)
    store: Redis = Redis.from_pool(
        BlockingConnectionPool.from_url(
            found.counters_url, max_connections=2, timeout=2, socket_timeout=2
        )
    )
    holder = Holder(file=found.snapshot_file)
    holder.load()
    purse = Purse(counters)
    caller = Caller(upstreams.by_kind, purse)
    gateway = Gateway(
        holder, caller, purse, doors.Rated(counters), most_in_flight=found.most_in_flight
    )
    purse.begin()
    await look(store, holder)
    following = [asyncio.create_task(_follow(store, gateway))]
    following.append(asyncio.create_task(_hear(found.counters_url, store, holder)))
    try:
        yield gateway
    finally:
        await _drained(gateway, within_s=found.drain_s)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await upstreams.close()
        await counters.close()
        await store.aclose(close_connection_pool=True)


async def _drained(gateway: Gateway, *, within_s: float) -> None:
    """Let what is under way end, cut what does not, and tell everything."""
    until_s = time.monotonic() + within_s
    await _emptied(gateway, until_s=until_s)
    if gateway.later:
        _, late = await asyncio.wait(gateway.later, timeout=max(0.1, until_s - time.monotonic()))
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    await gateway.purse.drain(within_s=max(1.0, until_s - time.monotonic()))


async def _emptied(gateway: Gateway, *, until_s: float) -> None:
    gateway.is_draining = True
    while gateway.in_flight and time.monotonic() < until_s:
        await asyncio.sleep(0.05)
    gateway.cut()


async def look(store: Redis, holder: Holder) -> None:
    """Take a newer snapshot when there is one; without the store the one held stays in force."""
    try:
        version = await store.get(VERSION)
        held = holder.current.version if holder.current else -1
        if version is None or int(version) <= held or int(version) == holder.refused:
            return
        body = await store.get(SNAPSHOT)
    except (RedisError, OSError) as reason:
        log.warning("The snapshot could not be looked at: %s", reason)
        return
    if body is not None and holder.offer(body) and holder.current:
        log.info("Snapshot %d is in force", holder.current.version)


async def _follow(store: Redis, gateway: Gateway) -> None:
    """Look for a newer snapshot each second, and tell how the breakers stand."""
    while True:
        try:
            await look(store, gateway.holder)
            await _tell_breakers(store, gateway)
        except Exception:
            log.exception("Following the snapshot failed; it goes on")
        await asyncio.sleep(LOOK_EVERY_S)


async def _hear(url: str, store: Redis, holder: Holder) -> None:
    """Look as soon as a snapshot is published: a revoked key must not wait for the next second."""
    # No time limit on reading: silence is what mostly is heard.
    server: Redis = Redis.from_url(url, socket_connect_timeout=2, health_check_interval=SILENCE_S)
    try:
        while True:
            with contextlib.suppress(RedisError, OSError):
                async with server.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(SNAPSHOT)
                    while True:
                        if await channel.get_message(timeout=SILENCE_S) is not None:
                            await look(store, holder)
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await server.aclose()


async def _tell_breakers(store: Redis, gateway: Gateway) -> None:
    now_s = time.monotonic()
    found: dict[str, Any] = {
        address: {
            "state": breaker.state(now_s=now_s).value,
            "failures": breaker.failures,
            "calls": len(breaker.calls),
            "at": int(time.time()),
        }
        for address, breaker in gateway.caller.breakers.items()
    }
    if not found:
        return
    with contextlib.suppress(RedisError, OSError):
        await store.set(
            f"{BREAKERS}:{socket.gethostname()}:{os.getpid()}",
            json.dumps(found),
            ex=BREAKERS_LAST_S,
        )


class Process:
    """The ASGI application that servers run: begins and ends with the server's lifespan."""

    def __init__(self) -> None:
        self.gateway: Gateway | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or follow the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self.gateway is not None:
            await self.gateway(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        found = settings(os.environ)
        async with opened(found, os.environ) as gateway:
            self.gateway = gateway
            _collect_rarely()
            ending = asyncio.create_task(_end(gateway, _told_to_stop(), within_s=found.drain_s))
            await send({"type": "lifespan.startup.complete"})
            await receive()
            ending.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def _collect_rarely() -> None:
    """Let the collector of cycles pass over what lives as long as the process.

    A request makes few cycles, and looking for them at Python's usual pace took 4 % of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _told_to_stop() -> asyncio.Event:
    """Return what is set by SIGTERM.

    The server's own handler would wait for all requests, however long they take, before it tells
    this application anything; SIGINT still is the server's.
    """
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    return told


async def _end(gateway: Gateway, told: asyncio.Event, *, within_s: float) -> None:
    """Drain when told to stop, or when the process that made several of these is gone; then end."""
    parent = multiprocessing.parent_process()
    while not told.is_set() and (parent is None or parent.is_alive()):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), LOOK_EVERY_S)
    log.info("Draining")
    await _emptied(gateway, until_s=time.monotonic() + within_s)
    os.kill(os.getpid(), signal.SIGINT)


application = Process()
