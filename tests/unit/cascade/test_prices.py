"""What tokens cost is exact to the pico-dollar, and never more than was held."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.prices import (
    PICO,
    PICO_A_MICRO,
    PriceTable,
    Tariff,
    as_micro,
    as_usd,
    cost_pico,
    pico_a_million,
    worst_micro,
)
from cascade.domain.request import Tokens

HAIKU = Tariff(input=1 * PICO, output=5 * PICO, cached=PICO // 10)


def test_a_price_for_a_thousand_tokens_is_exact_for_a_million() -> None:
    price = pico_a_million(usd=Decimal("0.000035"), per=Decimal(1000))
    assert price == 35 * PICO // 1000


def test_an_answer_costs_its_tokens_worked_out_by_hand() -> None:
    # 1,000 in of which 400 cached: 600 x 1e-6 + 400 x 0.1e-6; 100 out: 100 x 5e-6 dollars.
    found = cost_pico(HAIKU, Tokens(input=1000, output=100, cached=400))
    assert as_usd(found) == Decimal("0.00114")


def test_a_long_request_is_charged_by_its_own_tariff_from_its_first_token() -> None:
    long = Tariff(input=2 * PICO, output=10 * PICO, cached=PICO // 5)
    both = Tariff(HAIKU.input, HAIKU.output, HAIKU.cached, long_from=200_000, long=long)
    assert cost_pico(both, Tokens(input=199_999)) == 199_999 * 1_000_000
    assert cost_pico(both, Tokens(input=200_000)) == 200_000 * 2_000_000


def test_what_is_paid_by_the_hour_costs_no_tokens() -> None:
    assert cost_pico(Tariff(1, 1, 1, is_hourly=True), Tokens(10**6, 10**6)) == 0


def test_a_half_pico_dollar_goes_to_the_even_one() -> None:
    half = Tariff(input=500_000, output=0, cached=0)
    assert [cost_pico(half, Tokens(input=tokens)) for tokens in (1, 2, 3, 5)] == [0, 1, 2, 2]


def test_a_model_without_a_price_is_found_as_none() -> None:
    assert PriceTable("v", "us-east-1", "2026-11-20", {}).find("any") is None


price = st.integers(0, 100 * PICO)
count = st.integers(0, 2_000_000)


@settings(max_examples=50)
@given(fresh=price, made=price, used=count, out=count, more=count, cached=st.floats(0, 1))
def test_nothing_costs_more_than_what_was_held_for_it(
    fresh: int, made: int, used: int, out: int, more: int, cached: float
) -> None:
    tariff = Tariff(input=fresh, output=made, cached=fresh // 10)
    owed = cost_pico(tariff, Tokens(input=used, output=out, cached=int(used * cached)))
    assert as_micro(owed) <= worst_micro(tariff, input_tokens=used, max_output_tokens=out + more)


@settings(max_examples=50)
@given(st.integers(0, 10**18))
def test_a_micro_dollar_is_never_less_than_what_is_owed(pico: int) -> None:
    assert 0 <= as_micro(pico) * PICO_A_MICRO - pico < PICO_A_MICRO
    assert as_usd(pico) * PICO == pico
