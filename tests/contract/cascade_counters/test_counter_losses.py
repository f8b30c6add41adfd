"""What is lost, given back or told wrongly is booked once, or refused whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cascade.domain.scopes import Standing
from tests.contract.cascade_counters.drivers import (
    CENT,
    KEY,
    NAMES,
    Driver,
    event,
    hold,
    november,
    play,
    settle,
)


def test_an_expired_hold_is_booked_as_lost_once(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        await counters.reserve(hold=hold(lost=30, expires_s=60), now_s=1_000)
        await counters.reserve(hold=hold(lost=40, expires_s=90), now_s=1_000)
        assert await counters.sweep(now_s=1_059) == 0
        assert await counters.sweep(now_s=1_060) == 1
        assert await counters.sweep(now_s=1_060) == 0
        assert (await november(counters))[KEY] == Standing(spent_micro=30, held_micro=CENT)

    play(driver, story)
    assert [told["outcome"] for _, told in driver.entries()] == ["lost"]


def test_more_expired_holds_than_one_run_takes_are_all_booked(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        for _ in range(450):
            await counters.reserve(hold=hold(lost=1), now_s=1_000)
        assert await counters.sweep(now_s=2_000) == 450
        assert (await november(counters))[KEY] == Standing(spent_micro=450)

    play(driver, story)
    assert len(driver.entries()) == 450


def test_who_settles_after_the_loss_changes_nothing_and_is_told_of_once(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold(lost=30)
        await counters.reserve(hold=held, now_s=1_000)
        await counters.sweep(now_s=2_000)
        assert [await settle(counters, held, 500) for _ in range(2)] == [False, False]
        assert (await november(counters))[KEY] == Standing(spent_micro=30)

    play(driver, story)
    told = [(field, body["outcome"], body["micro"]) for field, body in driver.entries()]
    assert told == [("e", "lost", 30), ("late", "answered", 500)]


def test_a_hold_given_back_books_nothing_and_cannot_come_back(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold()
        await counters.reserve(hold=held)
        assert await counters.release(hold_id=held.hold_id)
        assert not await counters.release(hold_id=held.hold_id)
        assert set((await november(counters)).values()) == {Standing()}
        # A reserve that was overtaken by its own cancellation must not hold for ever.
        late = hold()
        await counters.release(hold_id=late.hold_id)
        assert not (await counters.reserve(hold=late)).is_granted
        assert await counters.sweep(now_s=4_000_000_000) == 0

    play(driver, story)
    assert driver.entries() == []


def test_a_charge_that_its_event_does_not_say_is_refused_whole(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold()
        await counters.reserve(hold=held)
        with pytest.raises(ValueError, match="not what its event says"):
            await counters.settle(
                hold_id=held.hold_id, scopes=NAMES, micro=5, event=event(held.hold_id, 6)
            )
        assert (await november(counters))[KEY] == Standing(held_micro=CENT)
        assert await settle(counters, held, 6)

    play(driver, story)


def test_money_without_its_hold_is_still_booked(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        assert await settle(counters, hold(), 77)
        assert set((await november(counters)).values()) == {Standing(spent_micro=77)}

    play(driver, story)


def test_an_attempt_that_costs_nothing_goes_the_same_way(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        free, lost = hold(0), hold(0, lost=0)
        assert (await counters.reserve(hold=free, now_s=1_000)).is_granted
        assert (await counters.reserve(hold=lost, now_s=1_000)).is_granted
        assert await settle(counters, free, 0)
        assert await counters.sweep(now_s=2_000) == 1
        assert set((await november(counters)).values()) == {Standing()}

    play(driver, story)
    assert len(driver.entries()) == 2


@pytest.mark.parametrize("micro", [-1, 0.5])
def test_a_hold_of_no_whole_amount_is_refused(driver: Driver, micro: Any) -> None:
    async def story(counters: Any) -> None:
        with pytest.raises(ValueError, match="no whole number"):
            await counters.reserve(hold=hold(micro))

    play(driver, story)


@pytest.mark.parametrize("missing", ["at", "micro"])
def test_an_event_that_could_not_be_booked_is_refused_before_anything_moves(
    driver: Driver, missing: str
) -> None:
    async def story(counters: Any) -> None:
        held = hold()
        told = json.loads(held.on_loss)
        del told[missing]
        broken = json.dumps(told).encode()
        with pytest.raises(ValueError, match="event"):
            await counters.reserve(hold=replace(held, on_loss=broken))
        await counters.reserve(hold=held)
        with pytest.raises(ValueError, match="event"):
            await counters.settle(
                hold_id=held.hold_id, scopes=NAMES, micro=CENT // 10, event=broken
            )
        assert set((await november(counters)).values()) == {Standing(held_micro=CENT)}
        assert await settle(counters, held, 5)

    play(driver, story)
    assert len(driver.entries()) == 1


def test_a_text_that_looks_like_a_field_is_no_field(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        held = hold()
        told = {"trouble": '"micro":1,"at":1', **json.loads(event(held.hold_id, 9))}
        await counters.reserve(hold=held)
        assert await counters.settle(
            hold_id=held.hold_id, scopes=NAMES, micro=9, event=json.dumps(told).encode()
        )
        assert (await november(counters))[KEY] == Standing(spent_micro=9)

    play(driver, story)
