"""Figures, moments and marks as templates write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from portal.templatetags import marks, money, ui

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def plain(text: str) -> str:
    """Return text with ordinary spaces and an ordinary minus."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        ("1234.56", "1,234.56 USD"),
        ("-3100", "-3,100.00 USD"),
        ("0", "0.00 USD"),
        ("-0.001", "-0.00100 USD"),
        ("0.000198", "0.000198 USD"),
        ("2.345", "2.34 USD"),
        ("2.355", "2.36 USD"),
        ("9999999.999", "10,000,000.00 USD"),
        (12, "12.00 USD"),
        (0.1, "0.10 USD"),
        ("-0.0000000000001", "0.000000000000 USD"),
        ("1e30", "1,000,000,000,000,000,000,000,000,000,000.00 USD"),
        ("1e9999", "1.000E+9999 USD"),
    ],
)
def test_money_is_written_with_thousands_separated_and_rounded_half_to_even(usd, words):
    assert plain(money.usd(usd)) == words


def test_a_sum_of_nothing_is_a_dash_that_says_so_and_not_zero():
    for nothing in (None, "", "many", Decimal("NaN"), float("inf")):
        html = money.money(nothing)
        assert "not known" in html
        assert "0.00" not in html


@pytest.mark.parametrize(
    ("value", "words"),
    [("84213.55", "84.2K"), ("121844", "122K"), ("1300000000", "1.30B"), ("-2500000", "-2.50M")],
)
def test_a_short_sum_has_three_digits_and_the_full_sum_on_hover_and_for_readers(value, words):
    html = plain(money.money(value, short=True))
    full = plain(money.usd(value))
    assert f'<span aria-hidden="true">{words} USD</span>' in html
    assert f'title="{full}"' in html
    assert f'<span class="visually-hidden">{full}</span>' in html


def test_a_short_sum_below_a_thousand_is_written_in_full():
    assert plain(money.money("999.99", short=True)) == '<span class="money">999.99 USD</span>'


def test_a_difference_has_its_sign_in_both_directions():
    assert "+12.00" in money.money(12, sign=True)
    assert "-12.00" in plain(money.money(-12, sign=True))
    assert "money-negative" in money.money(-12)
    assert "+" not in money.money(0, sign=True)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_money_written_is_never_further_from_the_sum_than_half_its_last_place(usd):
    written = Decimal(plain(money.usd(usd)).removesuffix(" USD").replace(",", ""))
    half = Decimal("0.005") if abs(usd) >= Decimal("0.01") else abs(usd) / 100 + Decimal("1e-12")
    assert abs(written - usd) <= half


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.1234, "12 %"), (0, "0 %"), (0.0001, "< 1 %"), (1.5, "150 %"), (None, "–")],  # noqa: RUF001
)
def test_a_share_is_per_cent_and_a_tiny_one_is_not_called_zero(share, words):
    assert plain(money.percent(share)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (125, "2 min 5 s"),
        (7200, "2 h"),
        (93_784, "1 d 2 h"),
        (86_405, "1 d"),
        (timedelta(minutes=3), "3 min"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(seconds, words):
    assert plain(money.duration(seconds)) == words


def test_milliseconds_become_seconds_from_a_thousand_up():
    assert plain(money.milliseconds(180)) == "180 ms"
    assert plain(money.milliseconds(1420)) == "1.42 s"


def test_bytes_are_written_in_binary_units():
    assert plain(money.file_size(1_610_612_736)) == "1.50 GiB"
    assert plain(money.file_size(12)) == "12 B"


def test_a_number_keeps_its_unit():
    assert plain(money.number(1_300_000_000, "requests")) == (
        '<span class="number">1,300,000,000 requests</span>'
    )


def test_a_unit_is_text_and_never_markup():
    assert "<script>" not in money.number(1, "<script>")


def test_a_moment_is_written_in_utc_whatever_its_zone():
    elsewhere = NOON.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00+09:00").tzinfo)
    html = ui.moment(elsewhere)
    assert 'datetime="2026-11-20T12:00:00Z"' in html
    assert 'title="2026-11-20 12:00:00 UTC"' in html
    assert ">20 Nov 2026, 12:00 UTC<" in html


def test_a_day_has_no_time():
    assert ui.moment(date(2026, 11, 2)) == '<time datetime="2026-11-02">2 Nov 2026</time>'


def test_a_moment_that_never_was_says_so():
    assert "not known" in ui.moment(None)


@pytest.mark.parametrize(("word", "tone"), [("ready", "ready"), ("failed", "failed")])
def test_a_state_has_a_colour_an_icon_and_a_word(word, tone):
    html = ui.state(word)
    assert f"tone-{tone}" in html
    assert "<svg" in html
    assert html.endswith(f"{word}</span>")


def test_every_state_of_the_lifecycle_has_a_look():
    states = {"pending", "creating", "ready", "updating", "deleting", "gone", "failed"}
    assert states | {"retiring", "retired"} <= set(ui.STATES)


def test_an_unknown_state_is_shown_as_it_is_and_escaped():
    assert "&lt;b&gt;" in ui.state("<b>")


def test_a_verdict_says_needs_a_quote_in_words():
    assert "needs a quote" in ui.verdict("needs-quote")


def test_a_sparkline_says_in_words_what_it_shows():
    html = marks.sparkline([1, 2, None, 4], "Spend, rising")
    assert 'role="img" aria-label="Spend, rising"' in html
    assert len(re.search(r'class="spark-line" points="([^"]+)"', html)[1].split()) == 4


def test_one_value_is_no_history():
    assert "no history yet" in marks.sparkline([5], "Spend")


def test_a_bar_never_leaves_its_track():
    assert 'width="100.00%"' in marks.bar(300, 200, "over")
    assert 'width="0.00%"' in marks.bar(-5, 200, "under")
    assert 'width="0.00%"' in marks.bar(5, 0, "no whole")


def test_the_parts_of_a_stack_stand_side_by_side():
    html = marks.stack([{"value": 1, "label": "a"}, {"value": 3, "label": "b"}], "Memory")
    assert 'x="0.00%" width="25.00%"' in html
    assert 'x="25.00%" width="75.00%"' in html


def test_a_budget_line_above_its_budget_still_shows_where_the_budget_ends():
    html = marks.meter({"actual_share": 1.1, "committed_share": 0.5, "forecast_share": 1.5})
    ends = re.search(r'class="meter-budget" x1="([\d.]+)%"', html)[1]
    assert float(ends) == pytest.approx(100 / 1.56, abs=0.01)
    assert 'class="meter over"' in html


@pytest.mark.parametrize(
    ("actual", "forecast", "tone"),
    [(0.2, 0.5, "within"), (0.2, 0.95, "close"), (0.2, 1.2, "over"), (1.1, 0, "over")],
)
def test_a_budget_is_over_as_soon_as_its_forecast_is(actual, forecast, tone):
    budget = SimpleNamespace(actual_share=actual, forecast_share=forecast)
    assert marks.budget_tone(budget) == tone


def test_a_gauge_says_more_than_all_of_it():
    html = marks.gauge(300, 200, "over the budget")
    assert "tone-failed" in html
    assert plain(html).count("150 %") == 1


def test_spans_of_a_timeline_are_placed_by_their_moments():
    spans = [
        {"start": NOON, "end": NOON + timedelta(seconds=20), "state": "ready", "label": "Role"},
        {
            "start": NOON + timedelta(seconds=20),
            "end": NOON + timedelta(seconds=80),
            "state": "creating",
            "label": "Endpoint",
        },
    ]
    html = marks.timeline(spans, "Resources")
    assert 'class="span-ready" x="0.00%" width="25.00%"' in html
    assert 'class="span-creating" x="25.00%" width="75.00%"' in html


def test_a_timeline_of_nothing_says_so():
    assert "nothing yet" in marks.timeline([], "Resources")


def test_a_label_with_quotes_stays_inside_its_attribute():
    assert 'aria-label="&quot;&gt;&lt;b&gt;"' in marks.bar(1, 2, '"><b>')


def test_a_chart_has_the_same_figures_as_a_table():
    data = {
        "kind": "area",
        "unit": "USD",
        "x_label": "Day",
        "x": ["1 Nov", "2 Nov"],
        "series": [{"name": "Chatbot", "values": [Decimal("1234.5"), None]}],
    }
    html = Template("{% load ui %}{% chart data 'c' 'Spend' %}").render(Context({"data": data}))
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="num">(.*?)</td>', html)
    assert rows == [("1 Nov", "1,234.5"), ("2 Nov", "–")]  # noqa: RUF001
    assert '<script id="c-data" type="application/json">' in html


def test_a_chart_of_points_names_each_point_in_its_table():
    points = [{"name": "Nova Lite", "x": 1420, "y": 31412, "series": "feasible"}]
    table = ui.twin({"kind": "scatter", "x_label": "p99", "y_label": "USD", "points": points})
    assert table["head"] == ["Name", "p99", "USD", "Group"]
    assert table["rows"] == [["Nova Lite", 1420, 31412, "feasible"]]


def test_a_hostile_series_name_cannot_end_the_data():
    data = {"kind": "area", "x": ["a"], "series": [{"name": "</script><b>", "values": [1]}]}
    html = Template("{% load ui %}{% chart data 'c' 'T' %}").render(Context({"data": data}))
    assert "</script><b>" not in html


def test_sorting_keeps_the_filters_and_forgets_the_cursor():
    request = RequestFactory().get("/fleet/?team=chat&cursor=abc&sort=name")
    template = Template("{% load ui %}{% sort_header 'name' 'Name' %}")
    html = template.render(Context({"request": request}))
    assert 'href="?team=chat&amp;sort=-name"' in html
    assert 'aria-sort="ascending"' in html
