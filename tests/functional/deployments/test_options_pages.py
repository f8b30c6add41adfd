"""Pareto front, break-even, what turns the choice, what if, side by side, on paper."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from billing.usecases import prices as price_usecases
from deployments import tasks
from deployments.domain import pareto
from deployments.models import Recommendation, WorkloadRow
from deployments.queries import advice as queries
from deployments.queries.options_page import ROWS
from deployments.queries.study import study_of
from deployments.usecases import advice, workloads
from portal.access import SYSTEM
from portal.models import Feature, User
from tests.functional.deployments.test_advice_pages import text
from tests.unit.deployments.advice_facts import PLAIN

pytestmark = pytest.mark.django_db(transaction=True)
OPTIONS = "/features/chatbot/options/"


@pytest.fixture
def made(feature: Feature) -> Recommendation:
    """The chatbot's options, compared today."""
    cache.clear()
    now = timezone.now()
    price_usecases.load_list(now=now - timedelta(days=1))
    workloads.describe(actor=SYSTEM, feature=feature, workload=workloads.read(given=PLAIN), now=now)
    return advice.recommend(actor=SYSTEM, feature=feature, now=now)


@pytest.fixture
def visitor(signed_in: Callable[[User], Client], lead: User) -> Client:
    return signed_in(lead)


def sheet(visitor: Client, asked: str) -> list[dict[str, str]]:
    reply = visitor.get(f"{OPTIONS}?{asked}&format=csv")
    return list(csv.DictReader(io.StringIO(b"".join(reply.streaming_content).decode())))


def test_the_front_is_marked_in_the_table_and_drawn_with_its_table_twin(
    visitor: Client, made: Recommendation
) -> None:
    html = visitor.get(OPTIONS).content.decode()
    front = pareto.front(queries.options_of(made), percentile=95)

    listed = sheet(visitor, "front=on")
    assert {row["option"] for row in listed} == {each.option_id for each in front}
    assert {row["on_front"] for row in listed} == {"yes"}
    assert "on the front" in html
    assert '"kind": "scatter"' in html
    assert "Cost against latency, as a table" in html
    assert pareto.sentences(front, percentile=95)[0] in text(visitor.get(OPTIONS))


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("most_usd=1000", lambda row: Decimal(row["usd_month_expected"]) <= 1000),
        ("most_ms=2400", lambda row: 0 < int(row["p95_ms"]) <= 2400),
        ("verdict=feasible", lambda row: row["verdict"] == "feasible"),
        ("model=nova", lambda row: "nova" in f"{row['model']} {row['size']}".lower()),
        ("tier=lambda-bedrock", lambda row: row["tier"] == "Lambda + Bedrock on-demand"),
    ],
)
def test_the_table_is_filtered_by_budget_latency_verdict_model_and_tier(
    visitor: Client, made: Recommendation, asked: str, holds: Callable[[dict[str, str]], bool]
) -> None:
    found = sheet(visitor, asked)

    assert 0 < len(found) < len(made.options)
    assert [row for row in found if not holds(row)] == []
    assert {row["option"] for row in sheet(visitor, "")} - {row["option"] for row in found}


@pytest.mark.parametrize(
    "asked", ["most_usd=x", "most_ms=-1", "cursor=٣", "cursor=99999", "sort=z"]
)
def test_nonsense_in_the_address_changes_nothing(
    visitor: Client, made: Recommendation, asked: str
) -> None:
    said = text(visitor.get(f"{OPTIONS}?{asked}"))

    assert f"1 to {ROWS} of {len(made.options)} matching" in said


def test_hundreds_of_options_come_in_pages(visitor: Client, made: Recommendation) -> None:
    first = visitor.get(OPTIONS).content.decode()
    second = visitor.get(f"{OPTIONS}?cursor={ROWS + 1}").content.decode()

    shown = re.compile(r'name="compare" value="([^"]+)"')
    ids = [body["option_id"] for body in made.options]
    assert shown.findall(first) == ids[:ROWS]
    assert shown.findall(second) == ids[ROWS : 2 * ROWS]
    assert f"cursor={ROWS + 1}" in first
    assert 'rel="prev"' in second


def test_two_options_stand_side_by_side_at_an_address_of_their_own(
    visitor: Client, made: Recommendation
) -> None:
    one, other = made.options[0], made.options[5]
    asked = {
        "compare": [one["option_id"], other["option_id"], "no-such"],
        "recommendation": made.pk,
    }

    said = text(visitor.get(f"{OPTIONS}compare/", asked))
    lonely = text(visitor.get(f"{OPTIONS}compare/", {"compare": one["option_id"]}))

    assert one["summary"] in said
    assert other["summary"] in said
    assert "Fixed and by use" in said
    assert "Two to four options" not in said
    assert "Two to four options stand side by side" in lonely


def test_what_turns_the_choice_is_said_with_both_sides_and_computed_once(
    visitor: Client, made: Recommendation, django_assert_max_num_queries: Any
) -> None:
    page = text(visitor.get(f"{OPTIONS}turns/"))
    with django_assert_max_num_queries(8):
        fragment = visitor.get(f"{OPTIONS}turns/", headers={"HX-Request": "true"})

    turns = [turn for turn in study_of(made).turns if turn.after]
    assert len(turns) > 2
    for turn in turns:
        said = (
            f"{turn.lever}, {turn.direction} {turn.now} {turn.before} {turn.after} {turn.summary}"
        )
        assert said.strip() in page
    assert "Prices: when what the choice pays for rises by " in page
    assert "<html" not in fragment.content.decode()
    assert "Latency objective, down" in text(fragment)


def test_what_turns_the_choice_is_worked_out_elsewhere_while_the_page_says_so(
    visitor: Client, made: Recommendation, settings: Any
) -> None:
    settings.CACHE_URL = "shared by pages and workers"
    waiting = visitor.get(f"{OPTIONS}turns/", headers={"HX-Request": "true"})
    printed = text(visitor.get(f"{OPTIONS}print/"))

    assert "That takes some seconds the first time" in text(waiting)
    assert 'hx-trigger="every 1s"' in waiting.content.decode()
    assert "is being worked out" in printed
    assert tasks.study(recommendation_id=made.pk).endswith(" turns")
    assert "Latency objective, down" in text(visitor.get(f"{OPTIONS}turns/"))
    assert tasks.study(recommendation_id=0) == "gone"


def test_a_what_if_answers_in_a_fragment_and_keeps_nothing(
    visitor: Client, made: Recommendation, django_assert_max_num_queries: Any
) -> None:
    asked = {"recommendation": made.pk, "mean_rps": "40", "latency_ms": "1900"}

    with django_assert_max_num_queries(10):
        fragment = visitor.get(f"{OPTIONS}what-if/", asked, headers={"HX-Request": "true"})
    whole = visitor.get(f"{OPTIONS}what-if/", asked)
    same = text(visitor.get(f"{OPTIONS}what-if/", {"mean_rps": "5"}))

    assert "<html" not in fragment.content.decode()
    for reply in (fragment, whole):
        assert "1,900 ms at p95" in text(reply)
        assert "the choice for the figures as they are, would not be it: Estim" in text(reply)
    assert "The choice stays the same." in same
    assert 'value="40"' in whole.content.decode()
    assert Recommendation.objects.count() == WorkloadRow.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"mean_rps": "many"}, "written in digits"),
        ({"latency_ms": "0"}, "between 1 and"),
        ({"quality_floor": "101"}, "between 0 and 100"),
        ({"input_tokens": "9" * 30}, "between 1 and"),
        ({"output_tokens": "-4"}, "between 1 and"),
    ],
)
def test_a_figure_that_cannot_be_is_answered_with_a_sentence(
    visitor: Client, made: Recommendation, typed: dict[str, str], words: str
) -> None:
    reply = visitor.get(f"{OPTIONS}what-if/", typed, headers={"HX-Request": "true"})

    assert reply.status_code == 422
    assert words in text(reply)


def test_a_recommendation_can_be_printed_with_prices_sources_and_checks(
    visitor: Client, made: Recommendation
) -> None:
    said = text(visitor.get(f"{OPTIONS}print/"))
    pick = queries.pick_of(made)

    assert pick is not None
    assert made.explanation[0] in said.replace("&amp;", "&")
    line = pick.cost.lines[0]
    assert f"{line.kind}, {line.source}, {line.as_of:%Y-%m-%d}" in said
    assert all(check.sentence in said for check in pick.checks)
    assert "What was asked" in said
    assert "Why the other tiers lost" in said
    assert "What would change the choice" in said


def test_a_pick_that_no_launch_builds_is_shown_beside_the_best_one_that_is(
    visitor: Client, made: Recommendation
) -> None:
    """As when another tier wins: the same row with a tier that has no blueprint."""
    bodies = made.options
    bodies[0]["tier"] = "edge-bundle"
    other = bodies[3]
    Recommendation.objects.filter(pk=made.pk).update(options=bodies, launch_pick=other["option_id"])
    more = Decimal(other["cost"]["expected_usd"]) - Decimal(bodies[0]["cost"]["expected_usd"])

    page = visitor.get(OPTIONS)
    card = text(visitor.get("/features/chatbot/advice-card/"))
    opened = visitor.get(f"{OPTIONS}option/", {"option": bodies[0]["option_id"]})
    runs = text(visitor.get("/features/chatbot/deployments-card/"))
    tab = text(visitor.get("/features/chatbot/deployments/"))

    for said in (text(page), card, text(opened), runs, tab):
        assert "is compared here and not built by a launch yet" in said
        assert f"{more:,.2f} USD a month more" in said or f"{more:,.0f} USD a month more" in said
    assert "Launch the best we build" in text(page)
    assert "Launch this option" not in text(opened)
    assert other["option_id"].split("/")[1] in page.content.decode()


def test_the_card_reads_two_options_and_not_hundreds(
    visitor: Client, made: Recommendation, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6) as asked:
        visitor.get("/features/chatbot/advice-card/")

    whole = re.compile(r'[ ,]"deployments_recommendation"\."options"')
    assert not [each["sql"] for each in asked if whole.search(each["sql"])]


def test_a_stranger_finds_none_of_the_pages(
    signed_in: Callable[[User], Client], stranger: User, made: Recommendation
) -> None:
    client = signed_in(stranger)

    for address in ("compare/", "print/", "turns/", "what-if/"):
        assert client.get(f"{OPTIONS}{address}").status_code == 404
