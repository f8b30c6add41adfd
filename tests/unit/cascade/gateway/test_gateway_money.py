"""What the gateway may spend: limits, the end of a budget, and days without counters."""

from __future__ import annotations

from collections.abc import Sequence

from cascade.adapters.counters_memory import MemoryCounters
from cascade.adapters.memory import Act
from cascade.domain.scopes import Booking
from tests.unit.cascade.gateway.counter import (
    HEDGE,
    Desk,
    asking,
    policy,
    run,
    said,
    snapshot,
)


def test_a_limit_that_would_be_passed_is_refused_before_any_call() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask()
        assert reply.status == 429
        assert reply.json["error"]["code"] == "insufficient_quota"
        assert "The monthly limit of this feature" in reply.json["error"]["message"]
        assert found.upstream.asked == []
        _, trials = await found.settled()
        assert trials[0].status == "refused"

    run(work, snapshot(limits={"feature_micro": 10}))


def test_where_the_strong_model_is_too_dear_the_best_answer_so_far_is_given() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said("Maybe. It could be. Perhaps it is."))])
        reply = await found.ask(max_tokens=100)
        assert reply.status == 200
        assert reply.headers["x-cascade-tier"] == "small"
        _, trials = await found.settled()
        assert any("no budget" in each.get("failed", "") for each in trials[0].tried)

    # Enough for the small model's worst case, not for the medium one's.
    run(work, snapshot(policy(stages=asking(0.99)), limits={"feature_micro": 900}))


def test_near_the_end_of_the_budget_no_dear_stage_is_used_and_the_reason_says_so() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))])
        found.gateway.purse.shares[5] = 0.9
        await found.ask()
        _, trials = await found.settled()
        assert trials[0].plan["highest"] == "small"
        assert "90% of the month's budget is spent" in trials[0].plan["reason"]

    run(work, snapshot(policy(step_down=[{"at_share": 0.85, "highest": "small"}])))


def test_near_the_end_of_the_budget_a_stage_that_is_named_is_not_dearer_than_any_other() -> None:
    async def work(found: Desk) -> None:
        found.gateway.purse.shares[5] = 0.9
        reply = await found.ask(model="large")
        assert reply.headers["x-cascade-tier"] == "small"
        assert (await found.ask(model="small")).headers["x-cascade-tier"] == "small"
        _, trials = await found.settled()
        told = "the request names large; 90% of the month's budget is spent"
        assert trials[0].plan["reason"].startswith(told)
        assert trials[1].plan["reason"] == "the request names this stage"

    run(work, snapshot(policy(step_down=[{"at_share": 0.85, "highest": "small"}])))


def test_without_counters_nothing_is_spent_or_a_little_as_the_policy_says() -> None:
    async def refuses(found: Desk) -> None:
        found.counters.is_away = True
        reply = await found.ask()
        assert reply.status == 503
        assert reply.json["error"]["code"] == "budget_unknown"
        found.counters.is_away = False

    async def goes_on(found: Desk) -> None:
        found.counters.is_away = True
        assert (await found.ask()).status == 200
        found.counters.is_away = False
        attempts, _ = await found.settled()
        assert attempts[0].outcome == "answered"
        month = next(iter(found.counters.spent.values()))
        assert month["organisation"] == attempts[0].micro

    run(refuses)
    run(goes_on, snapshot(policy(without_counters="local")))


class _Choking(MemoryCounters):
    """Cannot take one of the events, and says so of all that come with it."""

    __slots__ = ("bad",)

    async def book(self, bookings: Sequence[Booking]) -> list[Exception | None]:
        if any(self.bad in each.event for each in bookings):
            raise TypeError("This cannot be written.")
        return await MemoryCounters.book(self, bookings)


def test_an_event_that_cannot_be_told_takes_no_other_with_it() -> None:
    async def work(found: Desk) -> None:
        choking = _Choking()
        choking.bad = b"poison"
        await choking.begin()
        found.gateway.purse.ledger = found.gateway.rated.counters = found.counters = choking
        choking.is_away = True
        found.gateway.purse.events.clear()
        for text in ("Where is my order?", "poison", "Where is my parcel?"):
            await found.ask(text)
        choking.is_away = False
        attempts, trials = await found.settled()
        assert len(attempts) == 3
        assert [each.prompt for each in trials] == ["Where is my order?", "Where is my parcel?"]

    run(work, snapshot(policy(without_counters="local")))
