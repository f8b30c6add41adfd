"""What only a server can do: forget its scripts, be away, be asked by more than it has places."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from cascade.adapters.counters import Counters, CountersAway
from cascade.domain.scopes import Booking, Hold, ScopeLimit
from tests.fixtures.gateways import certificate

EVENT = b'{"kind":"attempt","at":1795176000000000,"micro":3}'


def hold(hold_id: str = "", *, limit: int | None = None) -> Hold:
    return Hold(hold_id or str(uuid4()), (ScopeLimit("team:1", limit),), 10, 60, EVENT)


async def held(counters: Counters) -> int:
    found = await counters.standing(month="2026-11", names=["team:1"])
    return found["team:1"].held_micro


def test_a_server_that_lost_its_scripts_is_given_them_again(cascade_url: str) -> None:
    async def story() -> None:
        counters = Counters(cascade_url)
        await counters.begin()
        await counters.reserve(hold=hold())
        with Redis.from_url(cascade_url) as server:
            server.script_flush()
        replies = await asyncio.gather(*(counters.reserve(hold=hold()) for _ in range(20)))
        assert all(reply.is_granted for reply in replies)
        assert await held(counters) == 210
        await counters.close()

    asyncio.run(story())


def test_many_share_few_connections(cascade_url: str) -> None:
    async def story() -> None:
        counters = Counters(cascade_url, connections=2, timeout_s=10)
        await counters.begin()
        replies = await asyncio.gather(
            *(counters.reserve(hold=hold(limit=1_230)) for _ in range(1_500))
        )
        assert sum(reply.is_granted for reply in replies) == 123
        await counters.close()

    asyncio.run(story())


def test_who_is_cancelled_while_asking_holds_nothing_after_giving_back(cascade_url: str) -> None:
    async def story() -> None:
        counters = Counters(cascade_url)
        await counters.begin()
        for turns in range(12):
            asked = hold()
            task = asyncio.create_task(counters.reserve(hold=asked))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await counters.release(hold_id=asked.hold_id)
        # Whichever of the two came first, nothing stays.
        await asyncio.sleep(0.05)
        assert await held(counters) == 0
        assert await counters.sweep(now_s=4_000_000_000) == 0
        await counters.close()

    asyncio.run(story())


@pytest.mark.parametrize("url", ["unix:///nowhere.sock?db=2", "redis://127.0.0.1:1/2"])
def test_without_a_server_every_question_ends_in_time(url: str) -> None:
    async def story() -> None:
        counters = Counters(url, timeout_s=0.3)
        began = time.monotonic()
        for question in (
            counters.reserve(hold=hold()),
            counters.settle(hold_id="one", scopes=["team:1"], micro=3, event=EVENT),
            counters.release(hold_id="one"),
            counters.append(event=EVENT),
            counters.sweep(),
            counters.admit(key="k", requests_per_minute=1, tokens_per_minute=None, tokens=1),
            held(counters),
        ):
            with pytest.raises(CountersAway):
                await question
        assert time.monotonic() - began < 10
        await counters.close()

    asyncio.run(story())


def test_a_server_that_hangs_is_away(cascade_url: str) -> None:
    async def story() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        counters = Counters(f"redis://127.0.0.1:{port}/2", timeout_s=0.2)
        with pytest.raises(CountersAway):
            await counters.reserve(hold=hold())
        await counters.close()
        server.close()
        # The silent one hears of it, and closes its side.
        await asyncio.sleep(0.05)

    asyncio.run(story())


def test_a_connection_that_was_cut_is_made_again(cascade_url: str) -> None:
    async def story() -> None:
        counters = Counters(cascade_url)
        await counters.begin()
        for _ in range(2):
            assert (await counters.reserve(hold=hold(limit=1_000_000))).is_granted
            with Redis.from_url(cascade_url) as server:
                server.client_kill_filter(_type="normal")
        replies = await asyncio.gather(
            *(counters.reserve(hold=hold(limit=1_000_000)) for _ in range(50))
        )
        assert all(reply.is_granted for reply in replies)
        await counters.close()

    asyncio.run(story())


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_a_server_that_asks_for_a_password_gets_the_one_of_the_url(
    cascade_url: str, secret: str
) -> None:
    path = cascade_url.removeprefix("unix://").partition("?")[0]

    async def granted(password: str) -> bool:
        counters = Counters(f"unix://:{password}@{path}?db=2")
        try:
            return (await counters.reserve(hold=hold())).is_granted
        finally:
            await counters.close()

    with Redis.from_url(cascade_url) as server:
        server.set("cascade:built", "1")
        server.config_set("requirepass", "right")
        try:
            assert asyncio.run(granted("right"))
            with pytest.raises(CountersAway):
                asyncio.run(granted(secret))
        finally:
            server.config_set("requirepass", "")


def test_months_and_marks_are_forgotten_in_time(cascade_url: str) -> None:
    async def story() -> None:
        counters = Counters(cascade_url)
        await counters.begin()
        asked = hold("one")
        await counters.reserve(hold=asked)
        await counters.settle(hold_id="one", scopes=["team:1"], micro=3, event=EVENT)
        await counters.admit(key="k", requests_per_minute=60, tokens_per_minute=None, tokens=1)
        await counters.close()

    asyncio.run(story())
    with Redis.from_url(cascade_url) as server:
        ttl = {key.decode(): server.ttl(key) for key in server.scan_iter()}
    forever = {key for key, seconds in ttl.items() if seconds == -1}
    assert forever == {"cascade:built", "cascade:events"}
    assert 60 * 86_400 < ttl["cascade:spent:2026-11"] <= 62 * 86_400
    assert 0 < ttl["cascade:settled:one"] <= 900
    assert 0 < ttl["cascade:rate:k"] <= 3


def test_over_tls_only_a_trusted_server_is_asked(cascade_url: str, tmp_path: Path) -> None:
    path = cascade_url.removeprefix("unix://").partition("?")[0]
    mine = certificate(tmp_path)
    secured = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secured.load_cert_chain(mine)
    passing: set[asyncio.Task[None]] = set()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_unix_connection(path)
        passing.add(asyncio.create_task(passed_on(other_reader, writer)))
        await passed_on(reader, other_writer)

    async def story() -> None:
        server = await asyncio.start_server(through, "127.0.0.1", 0, ssl=secured)
        url = f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}/2"
        trusting, wary = Counters(f"{url}?ssl_ca_certs={mine}"), Counters(url)
        await trusting.begin()
        assert (await trusting.reserve(hold=hold())).is_granted
        with pytest.raises(CountersAway):
            await wary.reserve(hold=hold())
        await trusting.close()
        await wary.close()
        server.close()
        await asyncio.gather(*passing)
        await asyncio.sleep(0.05)

    asyncio.run(story())


def test_a_server_that_is_full_counts_as_away_until_it_is_not(cascade_url: str) -> None:
    async def story() -> None:
        counters = Counters(cascade_url)
        await counters.begin()
        with Redis.from_url(cascade_url) as server:
            server.config_set("maxmemory", 1)
            try:
                with pytest.raises(CountersAway, match="OOM"):
                    await counters.reserve(hold=hold())
                (refused,) = await counters.book([Booking(EVENT)])
                assert isinstance(refused, CountersAway)
            finally:
                server.config_set("maxmemory", 0)
        assert (await counters.reserve(hold=hold())).is_granted
        assert await counters.book([Booking(EVENT)]) == [None]
        await counters.close()

    asyncio.run(story())
