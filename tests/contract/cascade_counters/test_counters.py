"""Counters: what the server and its twin in memory must both do."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from redis import Redis

from cascade.adapters.counters import Counters, CountersAway
from cascade.adapters.counters_memory import MemoryCounters
from cascade.domain.events import Attempt, encode
from cascade.domain.prices import PICO_A_MICRO
from cascade.domain.request import Tokens
from cascade.domain.scopes import Booking, Hold, ScopeLimit, Standing, limits_of, names_of

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
NAMES = names_of(key="ab12cd34", feature=7, team=3)
KEY, FEATURE, TEAM, ORGANISATION = NAMES
CENT = 10_000


class Driver(Protocol):
    """Either set of counters, and a look at its stream."""

    counters: Any

    def entries(self) -> list[tuple[str, dict[str, Any]]]: ...
    def book_elsewhere(self, name: str, micro: int) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.counters = MemoryCounters()

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        return [(field, json.loads(event)) for field, event in self.counters.entries]

    def book_elsewhere(self, name: str, micro: int) -> None:
        self.counters.other["2026-11"][name] = micro


class InValkey:
    def __init__(self, url: str) -> None:
        self.url = url
        self.counters = Counters(url)

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        with Redis.from_url(self.url) as server:
            rows = server.xrange("cascade:events")
        return [(f.decode(), json.loads(e)) for _, body in rows for f, e in body.items()]

    def book_elsewhere(self, name: str, micro: int) -> None:
        with Redis.from_url(self.url) as server:
            server.hset("cascade:other:2026-11", name, micro)


@pytest.fixture(params=["memory", "valkey"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Return either, counting from nothing."""
    if request.param == "memory":
        yield InMemory()
    else:
        yield InValkey(request.getfixturevalue("cascade_url"))


def play(driver: Driver, story: Callable[[Any], Awaitable[Any]]) -> Any:
    """Run a story with counters that count from nothing."""

    async def whole() -> Any:
        await driver.counters.begin()
        try:
            return await story(driver.counters)
        finally:
            await driver.counters.close()

    return asyncio.run(whole())


def event(hold_id: str, micro: int, *, at: datetime = NOVEMBER, outcome: str = "answered") -> bytes:
    return encode(
        Attempt(
            id=UUID(hold_id),
            trial=UUID(int=1),
            at_us=int(at.timestamp() * 1_000_000),
            cascade=1,
            feature=7,
            team=3,
            key="ab12cd34",
            policy=1,
            number=1,
            role="stage",
            stage="small",
            model="nova",
            outcome=outcome,
            tokens=Tokens(input=100, output=10),
            pico=micro * PICO_A_MICRO,
            price_version="1",
        )
    )


def hold(
    micro: int = CENT,
    *,
    limits: dict[str, int | None] | None = None,
    at: datetime = NOVEMBER,
    lost: int = CENT // 10,
    expires_s: float = 60,
    hold_id: str = "",
) -> Hold:
    hold_id = hold_id or str(uuid4())
    return Hold(
        hold_id=hold_id,
        scopes=limits_of(key="ab12cd34", feature=7, team=3, limits=limits or {}),
        micro=micro,
        expires_s=expires_s,
        on_loss=event(hold_id, lost, at=at, outcome="lost"),
    )


async def settle(counters: Any, held: Hold, micro: int, *, at: datetime = NOVEMBER) -> bool:
    return await counters.settle(
        hold_id=held.hold_id, scopes=NAMES, micro=micro, event=event(held.hold_id, micro, at=at)
    )


async def november(counters: Any) -> dict[str, Standing]:
    return await counters.standing(month="2026-11", names=NAMES)


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


async def _admitted(counters: Any, now_s: float, *, tokens: int = 1, **limits: Any) -> Any:
    asked = {"requests_per_minute": None, "tokens_per_minute": None, **limits}
    return await counters.admit(key="ab", tokens=tokens, now_s=now_s, **asked)


def test_a_minutes_requests_pass_at_once_and_then_one_by_one(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        passed = [await _admitted(counters, 1_000, requests_per_minute=30) for _ in range(31)]
        assert passed[:30] == [None] * 30
        assert passed[30] == pytest.approx(2, abs=0.002)
        assert await _admitted(counters, 1_001.9, requests_per_minute=30) is not None
        assert await _admitted(counters, 1_002, requests_per_minute=30) is None
        assert await _admitted(counters, 1_002, requests_per_minute=30) is not None

    play(driver, story)


def test_tokens_are_weighed_and_a_refused_request_counts_nowhere(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        limits = {"requests_per_minute": 100, "tokens_per_minute": 600}
        assert await _admitted(counters, 1_000, tokens=500, **limits) is None
        for _ in range(200):
            wait_s = await _admitted(counters, 1_000, tokens=200, **limits)
            assert wait_s == pytest.approx(10, abs=0.002)
        assert await _admitted(counters, 1_000, tokens=100, **limits) is None
        assert await _admitted(counters, 1_020, tokens=200, **limits) is None

    play(driver, story)


def test_a_request_larger_than_a_minute_passes_when_it_is_free_and_is_paid_off(
    driver: Driver,
) -> None:
    async def story(counters: Any) -> None:
        limit = {"tokens_per_minute": 600}
        assert await _admitted(counters, 1_000, tokens=1_200, **limit) is None
        assert await _admitted(counters, 1_059, **limit) is not None
        assert await _admitted(counters, 1_061, **limit) is None

    play(driver, story)


def test_without_limits_everything_passes(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        replies = [await _admitted(counters, 1_000, tokens=10**9) for _ in range(50)]
        assert replies == [None] * 50

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
