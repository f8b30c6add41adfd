"""Attempts are booked under the SKUs whose prices make their cost, one row for what is alike."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from billing.domain.prices import Price, rate
from billing.domain.usage import Usage, fault
from cascade.domain import latencies, rollups
from cascade.domain.booking import EPOCH, Account, PricedFrom, booking, parts_of, sku_of
from cascade.domain.events import Attempt, Trial
from cascade.domain.prices import Tariff, as_usd, cost_pico
from cascade.domain.request import Tokens

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MODEL = "us.amazon.nova-lite-v1:0"
# USD 0.06, 0.24 and 0.015 a million, and as if long prompts cost five times that.
LONG = Tariff(300_000_000_000, 1_200_000_000_000, 75_000_000_000)
TARIFF = Tariff(60_000_000_000, 240_000_000_000, 15_000_000_000, 100_001, LONG)
ACCOUNTS = {1: Account("chatbot", "production")}
PRICES = {
    sku_of(MODEL, way): [PricedFrom(EPOCH, pico)]
    for way, pico in {
        "input": TARIFF.input,
        "output": TARIFF.output,
        "cache-read": TARIFF.cached,
        "input-long": LONG.input,
        "output-long": LONG.output,
        "cache-read-long": LONG.cached,
    }.items()
}


def attempt(
    number: int, tokens: Tokens, *, tariff: Tariff = TARIFF, at: datetime = NOON
) -> Attempt:
    return Attempt(
        id=UUID(int=number),
        trial=UUID(int=1),
        at_us=(at - EPOCH) // timedelta(microseconds=1),
        cascade=1,
        feature=7,
        team=3,
        key="k",
        policy=1,
        number=1,
        role="stage",
        stage="small",
        model=MODEL,
        outcome="answered",
        tokens=tokens,
        pico=cost_pico(tariff, tokens),
        price_version="1",
    )


def booked(attempts: list[Attempt], prices: dict[str, list[PricedFrom]] = PRICES) -> dict[str, int]:
    """Return the tokens booked by direction."""
    made = booking(attempts, accounts=ACCOUNTS, prices=prices, now=NOON)
    assert made.unlike == ()
    return {each.sku.rpartition(":")[2]: int(each.quantity) for each in made.usage}


def cost(usage: tuple[Usage, ...]) -> Decimal:
    """Return what the books charge for it."""
    return sum(
        (
            rate(
                quantity=each.quantity,
                price=Price(
                    sku=each.sku,
                    unit="token",
                    per=Decimal(10**6),
                    usd=as_usd(PRICES[each.sku][0].pico),
                    kind="list",
                    source="s",
                    as_of=NOON.date(),
                ),
            )
            for each in usage
        ),
        Decimal(0),
    )


@pytest.mark.parametrize(
    "model, parts",
    [
        ("us.amazon.nova-lite-v1:0", ("amazon.nova-lite-v1:0", "us")),
        ("global.anthropic.claude-haiku-5-5", ("anthropic.claude-haiku-5-5", "global")),
        ("amazon.nova-lite-v1:0", ("amazon.nova-lite-v1:0", "in-region")),
    ],
)
def test_an_id_to_invoke_says_model_and_route(model: str, parts: tuple[str, str]) -> None:
    assert parts_of(model) == parts


def test_alike_attempts_are_one_row_for_each_direction() -> None:
    found = booked([attempt(n, Tokens(100, 10, 40)) for n in range(5)])
    assert found == {"input": 300, "cache-read": 200, "output": 50}


def test_long_prompts_are_booked_as_such() -> None:
    found = booked([attempt(1, Tokens(150_000, 10, 50_000)), attempt(2, Tokens(100_000, 10))])
    assert found == {
        "input-long": 100_000,
        "cache-read-long": 50_000,
        "output-long": 10,
        "input": 100_000,
        "output": 10,
    }


def test_cached_tokens_without_a_price_of_their_own_are_input() -> None:
    prices = {sku: row for sku, row in PRICES.items() if "cache" not in sku}
    tariff = replace(TARIFF, cached=TARIFF.input, long=None)
    assert booked([attempt(1, Tokens(100, 10, 40), tariff=tariff)], prices) == {
        "input": 100,
        "output": 10,
    }


def test_rows_cost_what_attempts_cost_to_the_last_digit_however_they_are_batched() -> None:
    dice = random.Random(3)
    made = []
    for number in range(1_500):
        tokens = dice.choice((dice.randint(1, 5_000), dice.randint(90_000, 200_000)))
        used = Tokens(tokens, dice.randint(0, 900), dice.randint(0, tokens))
        made.append(attempt(number, used, at=NOON - timedelta(minutes=dice.randint(0, 300))))
    exact = as_usd(sum(each.pico for each in made))
    for size in (1, 7, 400, 1_500):
        total = Decimal(0)
        for place in range(0, len(made), size):
            batch = booking(made[place : place + size], accounts=ACCOUNTS, prices=PRICES, now=NOON)
            assert batch.unlike == ()
            total += cost(batch.usage)
        assert total == exact


def test_every_row_is_one_the_books_take() -> None:
    ends = [NOON.replace(microsecond=0) - timedelta(microseconds=1), NOON - timedelta(hours=1)]
    made = booking(
        [attempt(n, Tokens(10, 1), at=at) for n, at in enumerate(ends)],
        accounts=ACCOUNTS,
        prices=PRICES,
        now=NOON,
    )
    assert len(made.usage) == 2
    assert [fault(each, now=NOON) for each in made.usage] == ["", ""]


def test_the_same_attempts_have_the_same_uid_in_any_order_and_others_another() -> None:
    three = [attempt(n, Tokens(10, 0)) for n in range(3)]

    def uid(attempts: list[Attempt]) -> str:
        (row,) = booking(attempts, accounts=ACCOUNTS, prices=PRICES, now=NOON).usage
        return row.uid

    assert uid(three) == uid(three[::-1]) != uid(three[:2])


def test_a_new_price_parts_the_hour() -> None:
    at = NOON - timedelta(minutes=30)
    dear = {sku: [*rows, PricedFrom(at, 2 * rows[0].pico)] for sku, rows in PRICES.items()}
    double = Tariff(2 * TARIFF.input, 2 * TARIFF.output, 2 * TARIFF.cached)
    made = booking(
        [
            attempt(1, Tokens(10, 0), at=at - timedelta(minutes=1)),
            attempt(2, Tokens(10, 0), at=at, tariff=double),
        ],
        accounts=ACCOUNTS,
        prices=dear,
        now=NOON,
    )
    assert made.unlike == ()
    assert [each.started_at for each in made.usage] == [at - timedelta(minutes=1), at]


def test_a_cost_that_no_prices_make_is_booked_and_named() -> None:
    strange = replace(attempt(1, Tokens(100, 10)), pico=5)
    made = booking([strange], accounts=ACCOUNTS, prices=PRICES, now=NOON)
    assert made.unlike == (strange,)
    assert {each.quantity for each in made.usage} == {100, 10}
    unknown = booking([attempt(1, Tokens(1, 1))], accounts=ACCOUNTS, prices={}, now=NOON)
    assert len(unknown.unlike) == 1


def test_what_cost_nothing_is_not_booked() -> None:
    assert booked([replace(attempt(1, Tokens(100, 10)), pico=0)]) == {}


def trial(**change: object) -> Trial:
    made = Trial(
        id=UUID(int=1),
        at_us=attempt(1, Tokens()).at_us,
        cascade=1,
        feature=7,
        team=3,
        key="k",
        policy=2,
        status="answered",
        http=200,
        stage="large",
        tried=({"stage": "small"}, {"stage": "medium", "failed": "429"}, {"stage": "large"}),
        escalations=1,
        latency_ms=700,
        pico=10,
        baseline_pico=25,
    )
    return replace(made, **change)


def test_a_request_counts_where_it_was_answered_and_where_it_was_rejected() -> None:
    sums = rollups.by_stage([], [trial()], model_of=lambda *place: f"model-of-{place[2]}")
    found = {key[4:]: (held.answered, held.rejected, held.saved_pico) for key, held in sums.items()}
    # The medium stage failed: nobody rejected what it did not say.
    assert found == {
        ("large", "model-of-large"): (1, 0, 15),
        ("small", "model-of-small"): (0, 1, 0),
    }


def test_a_request_that_nobody_answered_saves_nothing() -> None:
    sums = rollups.by_stage([], [trial(status="failed", stage="")], model_of=lambda *_: "")
    assert sum(held.answered for held in sums.values()) == 0
    assert sum(held.saved_pico for held in sums.values()) == 0


def test_an_hour_counts_how_requests_ended() -> None:
    made = [trial(), trial(status="short", first_token_ms=90), trial(status="refused", http=429)]
    (held,) = rollups.by_hour(made).values()
    assert (held.requests, held.statuses["short"], held.statuses["refused"]) == (3, 1, 1)
    assert (held.pico, held.baseline_pico, held.escalated) == (30, 75, 3)
    assert (dict(held.latency), dict(held.first_token)) == ({"800": 3}, {"100": 1})


@pytest.mark.parametrize(
    "ms, bound", [(0, "1"), (1, "1"), (1.2, "2"), (10, "10"), (999, "1000"), (10**9, "900000")]
)
def test_a_latency_falls_into_the_bucket_that_ends_at_or_above_it(ms: float, bound: str) -> None:
    assert latencies.bucket(ms) == bound


def test_a_percentile_is_read_from_buckets_within_their_width() -> None:
    dice = random.Random(5)
    values = sorted(dice.lognormvariate(6, 1) for _ in range(5_000))
    counts: dict[str, int] = {}
    for value in values:
        counts[latencies.bucket(value)] = counts.get(latencies.bucket(value), 0) + 1
    for percent in (50, 90, 99):
        true = values[len(values) * percent // 100 - 1]
        found = latencies.percentile_ms(counts, percent)
        assert found is not None
        assert true <= found <= true * 1.6
    assert latencies.percentile_ms({}, 50) is None
