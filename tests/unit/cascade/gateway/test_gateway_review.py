"""Money and words at the edges of a request: who leaves, who is cut, who is asked by name."""

from __future__ import annotations

import asyncio

import pytest

from cascade.adapters.counters import CountersAway
from cascade.adapters.counters_memory import MemoryCounters
from cascade.adapters.memory import Act, failing
from cascade.domain.breaker import Breaker, State
from cascade.domain.invoker import Trouble
from cascade.domain.request import Answer, Stop, Tokens, ToolCall
from cascade.domain.scopes import Hold, Reserved
from cascade.gateway.money import Purse
from tests.unit.cascade.gateway.counter import (
    HEDGE,
    LARGE,
    MEDIUM,
    SMALL,
    Desk,
    policy,
    run,
    said,
    snapshot,
)


def test_a_buffered_stream_that_is_left_logs_what_its_call_cost() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))], medium=[Act(hangs=True)])
        await found.ask(stream=True, leaves_after_s=0.05)
        attempts, trials = await found.settled()

        assert [each.outcome for each in attempts] == ["answered", "cancelled"]
        assert trials[0].status == "cancelled"
        assert attempts[1].pico > 0
        assert trials[0].pico == sum(each.pico for each in attempts)

    run(work, snapshot(policy(streaming="buffered")))


class _Deaf(MemoryCounters):
    """Holds, but its answer is lost on the way."""

    __slots__ = ()

    async def reserve(self, *, hold: Hold, now_s: float | None = None) -> Reserved:
        await MemoryCounters.reserve(self, hold=hold, now_s=now_s)
        raise CountersAway("No answer came in time.")


@pytest.mark.parametrize(("without", "status"), [("local", 200), ("refuse", 503)])
def test_a_lost_answer_of_the_counters_neither_leaks_nor_forgets_money(
    without: str, status: int
) -> None:
    async def work(found: Desk) -> None:
        deaf = _Deaf()
        await deaf.begin()
        purse = Purse(deaf)
        purse.begin()
        found.counters = deaf
        found.gateway.purse = found.gateway.caller.purse = purse
        reply = await found.ask()
        attempts, trials = await found.settled()
        await asyncio.gather(*purse.releases)

        assert reply.status == status
        assert len(attempts) == (1 if status == 200 else 0)
        assert trials[0].pico == sum(each.pico for each in attempts)
        assert purse.local_micro == {}
        assert sum(deaf.spent[month]["organisation"] for month in list(deaf.spent)) == sum(
            each.micro for each in attempts
        )
        await purse.drain(within_s=1)

    run(work, snapshot(policy(without_counters=without)))


@pytest.mark.parametrize("most", [0, 1])
def test_a_stream_that_may_not_be_escalated_shows_what_it_has(most: int) -> None:
    async def work(found: Desk) -> None:
        bad = [Act(answer=said(f"{HEDGE} Please ask somebody else about all of this."))]
        found.scripts(small=bad, medium=bad)
        reply = await found.ask(stream=True)
        _, trials = await found.settled()

        assert reply.status == 200
        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert trials[0].status in ("answered", "short")
        assert trials[0].escalations == most

    run(work, snapshot(policy(streaming="commit", most_escalations=most)))


def test_a_whole_answer_is_given_when_the_better_beginning_was_turned_down() -> None:
    async def work(found: Desk) -> None:
        short = said(HEDGE)
        begun = said(f"{HEDGE} Please ask somebody else about all of this.")
        found.scripts(
            small=[Act(answer=short)],
            medium=[Act(answer=begun)],
            large=[failing(Trouble.REFUSED)],
        )
        reply = await found.ask(stream=True)
        _, trials = await found.settled()

        assert [each["stage"] for each in trials[0].tried] == ["small", "medium", "large"]
        assert trials[0].tried[1]["score"] >= trials[0].tried[0]["score"] > 0
        assert (trials[0].status, trials[0].stage) == ("short", "small")
        assert reply.body.endswith(b"data: [DONE]\n\n")

    run(work, snapshot(policy(streaming="commit")))


def test_a_stage_that_is_named_is_the_live_policys_whatever_the_canary_has() -> None:
    canary = {
        "number": 2, "share": 1.0,
        "policy": policy(stages=policy()["stages"][:1]),
    }  # fmt: skip

    async def work(found: Desk) -> None:
        assert (await found.ask()).headers["x-cascade-tier"] == "small"
        reply = await found.ask(model="large")
        _, trials = await found.settled()

        assert reply.status == 200
        assert reply.headers["x-cascade-tier"] == "large"
        assert [(each.policy, each.is_canary) for each in trials] == [(2, True), (1, False)]

    run(work, snapshot(canary=canary))


def test_what_came_from_a_cache_is_no_saving_of_the_cascade() -> None:
    async def work(found: Desk) -> None:
        cached = said("All of it is in stock.", tokens=Tokens(input=1000, output=10, cached=900))
        found.scripts(large=[Act(answer=cached)])
        await found.ask(model="large")
        _, trials = await found.settled()

        assert trials[0].baseline_model == LARGE
        assert trials[0].baseline_pico == trials[0].pico > 0

    run(work)


def test_a_stage_that_failed_is_no_escalation() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[failing(Trouble.REFUSED)], medium=[Act(answer=said(HEDGE))])
        reply = await found.ask()
        attempts, trials = await found.settled()

        assert reply.headers["x-cascade-tier"] == "large"
        assert [each.model for each in attempts] == [SMALL, MEDIUM, LARGE]
        assert trials[0].escalations == 1

    run(work)


def test_a_tools_arguments_that_were_streamed_are_paid_for_when_the_client_leaves() -> None:
    async def work(found: Desk) -> None:
        call = ToolCall("c1", "look_up_the_order", '{"number": "' + "7" * 400 + '"}')
        answer = Answer("", Stop.TOOL, Tokens(40, 130), (call, call))
        found.scripts(large=[Act(answer=answer, between_s=0.2)])
        await found.ask(model="large", stream=True, leaves_after_s=0.3)
        attempts, _ = await found.settled()

        assert attempts[0].outcome == "cancelled"
        assert attempts[0].tokens.output > 0

    run(work)


def test_calls_that_nobody_waits_for_are_bounded() -> None:
    async def work(found: Desk) -> None:
        found.gateway.most_in_flight = 2
        found.scripts(large=[Act(answer=said("It is under way."), after_s=0.3)])
        for _ in range(5):
            assert (await found.ask()).status == 200
        assert len(found.gateway.later) == 2
        _, trials = await found.settled()

        assert len(trials) == 5
        assert sum(each.shadow_pico > 0 for each in trials) == 2

    run(work, snapshot(policy(shadow_share=1.0)))


def test_only_the_probe_ends_the_probe() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.failed(now_s=0.0)
    assert breaker.admits(now_s=6.0)

    breaker.failed(now_s=6.1, is_probe=False)

    assert breaker.state(now_s=6.2) is State.HALF_OPEN
    assert not breaker.admits(now_s=6.2)
    breaker.failed(now_s=6.3)
    assert breaker.state(now_s=16.2) is State.OPEN


def test_a_last_resort_that_is_left_does_not_let_a_second_probe_through() -> None:
    async def work(found: Desk) -> None:
        breaker = found.gateway.caller.breakers[LARGE]
        for _ in range(10):
            breaker.failed(now_s=0.0)
        breaker.open_until, breaker.is_probing = 0.0, True
        found.scripts(large=[Act(hangs=True)])
        await found.ask(model="large", leaves_after_s=0.05)

        assert breaker.is_probing

    run(work)
