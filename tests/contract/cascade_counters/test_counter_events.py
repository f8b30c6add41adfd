"""Many events at once, in whatever order, leave counters that equal their stream."""

from __future__ import annotations

import asyncio
import random
from types import NoneType
from typing import Any
from uuid import UUID

import pytest

from cascade.adapters.counters import CountersAway
from cascade.domain.scopes import Booking, Standing
from tests.contract.cascade_counters.drivers import (
    CENT,
    NAMES,
    TEAM,
    Driver,
    event,
    hold,
    november,
    play,
    settle,
)


def test_nothing_is_granted_before_somebody_said_what_is_spent(driver: Driver) -> None:
    async def story() -> None:
        with pytest.raises(CountersAway, match="rebuilt"):
            await driver.counters.reserve(hold=hold())
        # Money that was spent is booked even then.
        assert await settle(driver.counters, hold(), 5)
        await driver.counters.close()

    asyncio.run(story())


def test_an_event_without_money_is_only_told(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        await counters.append(event=b'{"kind":"trial"}')
        assert set((await november(counters)).values()) == {Standing()}

    play(driver, story)
    assert driver.entries() == [("e", {"kind": "trial"})]


def test_many_are_booked_at_once_and_twice_counts_once(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = [hold(), hold()]
        for each in held:
            assert (await counters.reserve(hold=each)).is_granted
        first, second = (
            Booking(event(each.hold_id, micro), each.hold_id, micro, tuple(NAMES))
            for each, micro in zip(held, (300, 500), strict=True)
        )
        wrong = Booking(event(str(UUID(int=9)), 7), str(UUID(int=9)), 8, tuple(NAMES))
        said = await counters.book([first, Booking(b'{"kind":"trial"}'), wrong, second])
        assert [type(each) for each in said] == [NoneType, NoneType, ValueError, NoneType]
        assert await counters.book([first, second]) == [None, None]
        assert set((await november(counters)).values()) == {Standing(spent_micro=800)}

    play(driver, story)
    told = [entry[1].get("micro") for entry in driver.entries()]
    assert told == [300, None, 500]


def test_a_thousand_at_once_pass_exactly_as_many_as_fit(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        holds = [hold(limits={TEAM: 137 * CENT}) for _ in range(1_000)]
        replies = await asyncio.gather(*(counters.reserve(hold=each) for each in holds))
        assert sum(reply.is_granted for reply in replies) == 137
        assert {reply.refused_scope for reply in replies if not reply.is_granted} == {TEAM}

    play(driver, story)


def test_whatever_happens_in_whatever_order_counters_equal_the_stream(driver: Driver) -> None:
    dice = random.Random(4)

    async def story(counters: Any) -> None:
        holds = [hold(lost=dice.randint(0, 9), expires_s=dice.randint(1, 50)) for _ in range(60)]
        now_s = 1_000
        for _ in range(600):
            each = dice.choice(holds)
            now_s += dice.random() < 0.1
            match dice.randint(0, 4):
                case 0 | 1:
                    await counters.reserve(hold=each, now_s=now_s)
                case 2:
                    await settle(counters, each, dice.randint(0, 99))
                case 3:
                    await counters.release(hold_id=each.hold_id)
                case 4:
                    await counters.sweep(now_s=now_s)
        await counters.sweep(now_s=2_000)
        booked = sum(told["micro"] for field, told in driver.entries() if field == "e")
        assert set((await november(counters)).values()) == {Standing(spent_micro=booked)}

    play(driver, story)
    ids = [told["id"] for field, told in driver.entries() if field == "e"]
    assert len(ids) == len(set(ids)) > 10
