"""Money is held before it is spent, in four scopes at once, and settled once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cascade.domain.scopes import Hold, ScopeLimit, Standing
from tests.contract.cascade_counters.drivers import (
    CENT,
    DECEMBER,
    FEATURE,
    KEY,
    NAMES,
    NOVEMBER,
    ORGANISATION,
    TEAM,
    Driver,
    hold,
    november,
    play,
    settle,
)


def test_what_is_held_counts_in_all_four_scopes_and_settling_moves_it(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold()
        assert (await counters.reserve(hold=held)).is_granted
        assert set((await november(counters)).values()) == {Standing(held_micro=CENT)}
        assert await settle(counters, held, 123)
        assert set((await november(counters)).values()) == {Standing(spent_micro=123)}

    play(driver, story)
    assert [(field, told["micro"]) for field, told in driver.entries()] == [("e", 123)]


@pytest.mark.parametrize("scope", NAMES)
def test_one_full_scope_refuses_all_and_is_named(driver: Driver, scope: str) -> None:
    async def story(counters: Any) -> None:
        reply = await counters.reserve(hold=hold(limits={scope: CENT - 1}))
        assert (reply.is_granted, reply.refused_scope) == (False, scope)
        assert set((await november(counters)).values()) == {Standing()}
        assert (await counters.reserve(hold=hold(limits={scope: CENT}))).is_granted

    play(driver, story)


def test_a_limit_of_none_is_no_limit_and_zero_is_one(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        huge = 9_000_000_000_000
        assert (await counters.reserve(hold=hold(huge))).is_granted
        assert (await november(counters))[KEY].held_micro == huge
        assert not (await counters.reserve(hold=hold(1, limits={FEATURE: 0}))).is_granted

    play(driver, story)


def test_what_is_spent_elsewhere_counts_against_the_limit(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        driver.book_elsewhere(TEAM, 5 * CENT)
        assert not (await counters.reserve(hold=hold(limits={TEAM: 6 * CENT - 1}))).is_granted
        assert (await counters.reserve(hold=hold(limits={TEAM: 6 * CENT}))).is_granted

    play(driver, story)


def test_the_share_of_a_feature_is_what_it_has_spent(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        first = hold(limits={FEATURE: 10 * CENT})
        assert (await counters.reserve(hold=first)).spent_share_of_feature == 0
        await settle(counters, first, 4 * CENT)
        reply = await counters.reserve(hold=hold(limits={FEATURE: 10 * CENT}))
        assert reply.spent_share_of_feature == 0.4
        refused = await counters.reserve(hold=hold(7 * CENT, limits={FEATURE: 10 * CENT}))
        assert (refused.is_granted, refused.spent_share_of_feature) == (False, 0.4)

    play(driver, story)


def test_asking_twice_holds_once_and_settling_twice_books_once(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold(limits={KEY: CENT})
        replies = [await counters.reserve(hold=held) for _ in range(3)]
        assert all(reply.is_granted for reply in replies)
        assert (await november(counters))[KEY].held_micro == CENT
        assert [await settle(counters, held, 5) for _ in range(3)] == [True, False, False]
        assert (await november(counters))[KEY] == Standing(spent_micro=5)
        assert not (await counters.reserve(hold=held)).is_granted

    play(driver, story)
    assert len(driver.entries()) == 1


def test_a_cost_above_what_was_held_is_booked_in_full(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold(limits={KEY: CENT})
        await counters.reserve(hold=held)
        await settle(counters, held, 3 * CENT)
        assert (await november(counters))[KEY] == Standing(spent_micro=3 * CENT)
        assert not (await counters.reserve(hold=hold(1, limits={KEY: CENT}))).is_granted

    play(driver, story)


def test_a_hold_of_november_settles_in_november(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold(at=DECEMBER.replace(microsecond=0) - (DECEMBER - NOVEMBER) / 10**6)
        await counters.reserve(hold=held)
        last = json.loads(held.on_loss)["at"] / 1_000_000
        await settle(counters, held, 7, at=datetime.fromtimestamp(last, tz=UTC))
        assert (await november(counters))[TEAM] == Standing(spent_micro=7)
        await settle(counters, hold(), 9, at=DECEMBER)
        december = await counters.standing(month="2026-12", names=NAMES)
        assert december[TEAM] == Standing(spent_micro=9)

    play(driver, story)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2000, 2, 29, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2028, 2, 29, 12, tzinfo=UTC),
        datetime(2028, 3, 1, tzinfo=UTC),
        datetime(2099, 10, 31, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_the_month_is_the_calendars(driver: Driver, at: datetime) -> None:
    async def story(counters: Any) -> None:
        await counters.reserve(hold=hold(at=at))
        found = await counters.standing(month=f"{at:%Y-%m}", names=[KEY])
        assert found[KEY] == Standing(held_micro=CENT)

    play(driver, story)


def test_scopes_come_back_as_they_were_named(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        only = ScopeLimit("organisation", 5 * CENT)
        made = hold()
        alone = Hold(made.hold_id, (only,), CENT, 60, made.on_loss)
        assert (await counters.reserve(hold=alone)).is_granted
        found = await november(counters)
        assert (found[ORGANISATION], found[KEY]) == (Standing(held_micro=CENT), Standing())

    play(driver, story)
