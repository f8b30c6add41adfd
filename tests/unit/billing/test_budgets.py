"""What fits a budget, and where a month ends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.domain.budgets import NO_BUDGET, Position, Request, Running, decide, forecast

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # 252 hours before December
usd = st.decimals(0, 1_000_000, places=2)


def position(budget: str | None, *, held: str = "0", spent: str = "0", used: str = "0") -> Position:
    return Position(
        Decimal(budget) if budget is not None else None,
        Decimal(held),
        Decimal(spent),
        Decimal(used),
    )


def ask(monthly: str, *, spent: str = "0", held: str | None = None) -> Request:
    return Request(
        "chatbot-production",
        Decimal(monthly),
        spent_usd=Decimal(spent),
        held_usd=None if held is None else Decimal(held),
    )


def test_a_request_that_takes_the_last_cent_fits() -> None:
    answer = decide(
        request=ask("50.00"),
        organisation=position("150", held="100", used="100"),
        team=position(None),
        team_name="Chat",
    )
    assert answer.fits
    assert "0.00 USD of 150.00 USD would be left to the organisation" in answer.sentence


def test_one_cent_too_much_is_refused_with_every_figure_and_what_would_fit() -> None:
    answer = decide(
        request=ask("50.01"),
        organisation=position("150", held="90", spent="30", used="100"),
        team=position(None),
        team_name="Chat",
    )
    assert not answer.fits
    for figure in ("50.01", "50.00", "150.00", "90.00", "30.00", "100.00", "150.01"):
        assert f"{figure} USD" in answer.sentence


def test_a_team_that_is_full_is_refused_though_the_organisation_has_room() -> None:
    answer = decide(
        request=ask("10"),
        organisation=position("1000"),
        team=position("5"),
        team_name="Chat",
    )
    assert not answer.fits
    assert "team Chat" in answer.sentence
    assert "the organisation" not in answer.sentence


def test_no_budget_means_no_launch_even_when_the_team_has_one() -> None:
    answer = decide(
        request=ask("0"), organisation=position(None), team=position("5"), team_name="Chat"
    )
    assert not answer.fits
    assert answer.sentence == NO_BUDGET


def test_a_deployment_counts_for_what_it_has_spent_when_that_is_more() -> None:
    answer = decide(
        request=ask("10", spent="80"),
        organisation=position("50"),
        team=position(None),
        team_name="Chat",
    )
    assert not answer.fits
    assert "has spent 80.00 USD this month already" in answer.sentence


def test_a_step_down_is_never_refused() -> None:
    over = position("100", used="400")
    smaller = ask("50", held="60")
    assert decide(request=smaller, organisation=over, team=over, team_name="Chat").fits
    larger = ask("60.01", held="60")
    assert not decide(request=larger, organisation=over, team=over, team_name="Chat").fits


def test_a_deployment_older_than_a_day_goes_on_as_in_the_last_24_hours() -> None:
    old = Running("a", Decimal(730), Decimal(48), NOON - timedelta(hours=24))
    ends = forecast(spent_usd=Decimal(100), running=[old], now=NOON)
    assert ends.expected_usd == 100 + 252 * 2
    assert ends.low_usd == 100
    assert ends.high_usd == 100 + 252 * 2


def test_a_younger_one_goes_on_at_what_it_holds() -> None:
    young = Running("a", Decimal(730), Decimal(12), NOON - timedelta(hours=23))
    ends = forecast(spent_usd=Decimal(0), running=[young], now=NOON)
    assert ends.expected_usd == 252
    assert (
        "Younger than a day, going on at what they hold (a month of 730 h): 1."
        in ends.assumptions[1]
    )


def test_an_idle_deployment_is_expected_to_stay_idle_but_may_use_what_it_holds() -> None:
    idle = Running("a", Decimal(1460), Decimal(0), NOON - timedelta(days=5))
    ends = forecast(spent_usd=Decimal(7), running=[idle], now=NOON)
    assert (ends.low_usd, ends.expected_usd, ends.high_usd) == (7, 7, 7 + 252 * 2)


def test_with_nothing_running_the_month_ends_at_what_is_spent() -> None:
    ends = forecast(spent_usd=Decimal("1.234567"), running=[], now=NOON)
    assert ends.low_usd == ends.expected_usd == ends.high_usd == Decimal("1.234567")


@given(
    spent=usd,
    running=st.lists(
        st.builds(
            Running,
            st.just("a"),
            usd,
            usd,
            st.integers(0, 400).map(lambda hours: NOON - timedelta(hours=hours)),
        ),
        max_size=5,
    ),
)
def test_the_forecast_always_lies_inside_its_band(spent: Decimal, running: list[Running]) -> None:
    ends = forecast(spent_usd=spent, running=running, now=NOON)
    assert spent == ends.low_usd <= ends.expected_usd <= ends.high_usd
