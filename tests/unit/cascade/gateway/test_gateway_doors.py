"""Who comes into the gateway: keys, rates, snapshots, and bodies that cannot be read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cascade.adapters.memory import Act
from tests.unit.cascade.gateway.counter import (
    GOOD,
    Desk,
    desk,
    policy,
    run,
    said,
    snapshot,
)


def test_a_request_may_name_a_stage_and_no_unknown_one() -> None:
    async def work(found: Desk) -> None:
        assert (await found.ask(model="medium")).headers["x-cascade-tier"] == "medium"
        wrong = await found.ask(model="gpt-4")
        assert wrong.status == 404
        assert "ask for one of chat, auto, small, medium, large" in wrong.json["error"]["message"]

    run(work)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ({"revoked": True}, "invalid_api_key"),
        ({"expires_at": "2026-01-01T00:00:00+00:00"}, "invalid_api_key"),
        ({"digest": "0" * 64}, "invalid_api_key"),
    ],
)
def test_a_key_that_ended_or_was_never_made_opens_nothing(key: dict[str, Any], code: str) -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask()
        assert reply.status == 401
        assert reply.json["error"]["code"] == code
        assert found.upstream.asked == []

    run(work, snapshot(key=key))


def test_a_newer_snapshot_revokes_a_key_for_the_next_request() -> None:
    async def work(found: Desk) -> None:
        assert (await found.ask()).status == 200
        found.gateway.holder.offer(snapshot(version=2, key={"revoked": True}))
        assert (await found.ask()).status == 401

    run(work)


def test_a_bad_snapshot_keeps_the_old_one_and_says_so() -> None:
    async def work(found: Desk) -> None:
        assert not found.gateway.holder.offer('{"version": 9, "cascades": 4}')
        assert (await found.ask()).status == 200
        ready = await found.get("/readyz")
        assert ready.status == 200
        assert b"could not be read" in ready.body

    run(work)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "JSON"),
        (b'{"model": "auto"}', "messages"),
        (b'{"model": "auto", "messages": [], "n": 3}', ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_malformed_request_is_told_what_is_wrong(raw: bytes, words: str) -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask(raw=raw)
        assert reply.status == 400
        assert words in json.dumps(reply.json)
        assert reply.json["error"]["type"] == "invalid_request_error"

    run(work)


def test_more_than_ten_mebibytes_are_refused_with_a_sentence() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask(raw=b"x" * (10 * 1024 * 1024 + 1))
        assert reply.status == 413
        assert "at most 10 MiB" in reply.json["error"]["message"]

    run(work)


def test_too_many_at_once_are_told_to_come_again() -> None:
    async def inside() -> None:
        async with desk(most_in_flight=1) as found:
            found.scripts(small=[Act(answer=said(GOOD), after_s=0.3)])
            first = asyncio.create_task(found.ask())
            await asyncio.sleep(0.1)
            second = await found.ask()
            assert second.status == 503
            assert second.headers["retry-after"] == "1"
            assert (await first).status == 200

    asyncio.run(inside())


def test_the_rate_of_a_key_is_kept_with_and_without_the_counters() -> None:
    async def work(found: Desk) -> None:
        for _ in range(2):
            assert (await found.ask()).status == 200
        reply = await found.ask()
        assert reply.status == 429
        assert reply.json["error"]["code"] == "rate_limit_exceeded"

    run(work, snapshot(key={"requests_per_minute": 2}))


def test_who_is_turned_away_holds_spends_and_logs_nothing() -> None:
    async def work(found: Desk) -> None:
        assert (await found.ask()).status == 200
        # The first is asked about together with its money, the second before anything else.
        for _ in range(2):
            reply = await found.ask()
            assert reply.status == 429
            assert int(reply.headers["retry-after"]) > 0
        attempts, trials = await found.settled()
        assert (len(attempts), len(trials)) == (1, 1)
        assert len(found.upstream.asked) == 1

    run(work, snapshot(key={"requests_per_minute": 1}))


def test_whose_rate_and_budget_are_used_up_hears_of_the_rate() -> None:
    async def work(found: Desk) -> None:
        codes = [(await found.ask()).json["error"]["code"] for _ in range(3)]
        assert codes == ["insufficient_quota", "rate_limit_exceeded", "rate_limit_exceeded"]
        _, trials = await found.settled()
        assert [each.status for each in trials] == ["refused"]

    run(
        work,
        snapshot(key={"requests_per_minute": 1}, limits={"feature_micro": 0}),
    )


def test_models_are_listed_for_who_has_a_key() -> None:
    async def work(found: Desk) -> None:
        from_key = await found.get("/v1/models", authorization=f"Bearer {_secret()}")
        assert [each["id"] for each in from_key.json["data"]] == [
            "chat", "auto", "small", "medium", "large",
        ]  # fmt: skip
        assert (await found.get("/v1/models")).status == 401
        assert (await found.get("/metrics")).status == 200

    run(work)


def _secret() -> str:
    return "slwk_0123abcd_" + "x" * 32


def test_while_too_many_charges_wait_to_be_counted_nobody_new_comes_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cascade.gateway.money.MOST_WAITING", 2)

    async def work(found: Desk) -> None:
        assert (await found.ask()).status == 200
        await found.settled()
        found.counters.is_away = True
        first = await found.ask()
        second = await found.ask()
        found.counters.is_away = False

        assert first.status == 200
        assert second.status == 503
        assert second.json["error"]["code"] == "too_busy"
        assert "charges wait" in second.json["error"]["message"]
        await asyncio.wait_for(found.gateway.purse.is_told.wait(), 5)
        attempts, _ = await found.settled()
        assert len(attempts) == 2
        assert (await found.ask()).status == 200

    run(work, snapshot(policy(without_counters="local")))
