"""The workload form and the options page, as a person in a browser meets them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.usecases import prices as price_usecases
from deployments.models import Recommendation, WorkloadRow
from portal.models import Feature, User
from tests.unit.deployments.advice_facts import PLAIN

pytestmark = pytest.mark.django_db(transaction=True)

FORM: dict[str, Any] = {
    **PLAIN,
    "load_unit": "per-second",
    "latency_percentile": "95",
    "latency_of": "whole-answer",
    "need": "standard",
    "precision": "bf16",
    "residency": "anywhere",
    "region": "us-east-1",
    "longest_commitment_months": "0",
}


@pytest.fixture
def priced(db: None) -> None:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))


@pytest.fixture
def visitor(signed_in: Callable[[User], Client], member: User, priced: None) -> Client:
    return signed_in(member)


def text(reply: Any) -> str:
    body = b"".join(reply.streaming_content) if reply.streaming else reply.content
    plain = re.sub(r"<[^>]+>", " ", body.decode())
    return re.sub(r"\s+", " ", plain.replace("\u202f", " ").replace("&#x27;", "'"))


def test_saving_a_workload_compares_the_options_and_shows_the_pick(
    visitor: Client, feature: Feature
) -> None:
    reply = visitor.post("/features/chatbot/workload/", FORM, follow=True)

    assert reply.redirect_chain == [("/features/chatbot/options/", 302)]
    said = text(reply)
    made = Recommendation.objects.get()
    assert "Our pick" in said
    assert made.explanation[0] in said.replace("&amp;", "&")
    assert "The decision tree's pick" in said
    assert "Break-even" in said
    assert "Why the other tiers lost" in said


def test_the_form_keeps_what_was_typed_and_says_what_is_wrong_beside_it(
    visitor: Client, feature: Feature
) -> None:
    reply = visitor.post(
        "/features/chatbot/workload/", FORM | {"load": "500rps", "latency_ms": "0"}
    )

    assert reply.status_code == 422
    html = reply.content.decode()
    assert 'value="500rps"' in html
    assert "written in digits without a unit" in text(reply)
    assert "between 1 and 86,400,000 milliseconds" in text(reply)
    assert "2 things need another look; what you typed is kept." in text(reply)
    assert not WorkloadRow.objects.exists()


@pytest.mark.parametrize(
    "typed",
    [
        {"load": "=HYPERLINK(1)"},
        {"load": "<script>alert(1)</script>"},
        {"notes": "x" * 10_000},
        {"load": "9" * 4000},
        {"pattern": "never"},
        {"models": ["no-such-model"]},
        {"peak_rps": "1"},
        {"latency_ms": "NaN"},
        {"weights_s3_uri": "s3://x y"},
    ],
)
def test_nonsense_is_refused_and_never_runs(
    visitor: Client, feature: Feature, typed: dict[str, Any]
) -> None:
    reply = visitor.post("/features/chatbot/workload/", FORM | typed)

    assert reply.status_code == 422
    assert "<script>alert" not in reply.content.decode()
    assert not WorkloadRow.objects.exists()


def test_the_preview_speaks_while_typing_and_keeps_nothing(
    visitor: Client, feature: Feature
) -> None:
    typed = FORM | {"load": "500", "peak_rps": "500", "input_tokens_mean": "200"}
    whole = visitor.post(
        "/features/chatbot/workload/preview/", typed, headers={"HX-Request": "true"}
    )
    half = visitor.post("/features/chatbot/workload/preview/", FORM | {"load": ""})

    assert "That is 1.3 billion requests a month, 263 billion input tokens" in text(whole)
    assert "Not yet a whole workload" in text(half)
    assert "<html" not in whole.content.decode()
    assert not WorkloadRow.objects.exists()


def test_a_described_workload_fills_the_form_again(visitor: Client, feature: Feature) -> None:
    visitor.post("/features/chatbot/workload/", FORM | {"notes": "Night shift."})

    html = visitor.get("/features/chatbot/workload/").content.decode()

    assert 'name="load" value="5"' in html
    assert "Night shift." in html
    assert "Version 1" in html


def test_the_table_filters_sorts_and_compares_by_its_address(
    visitor: Client, feature: Feature
) -> None:
    visitor.post("/features/chatbot/workload/", FORM)
    first = Recommendation.objects.get().options

    feasible = text(visitor.get("/features/chatbot/options/?verdict=feasible&tier=lambda-bedrock"))
    dear = visitor.get("/features/chatbot/options/?sort=-usd&format=csv")
    ids = [body["option_id"] for body in first[:2]]
    compared = text(visitor.get("/features/chatbot/options/compare/", {"compare": ids}))
    none = text(visitor.get("/features/chatbot/options/?model=zebra"))

    assert "SageMaker serverless inference </td>" not in feasible
    rows = list(csv.DictReader(io.StringIO(b"".join(dear.streaming_content).decode())))
    prices = [float(row["usd_month_expected"]) for row in rows if row["usd_month_expected"]]
    assert prices == sorted(prices, reverse=True)
    assert len(rows) == len(first)
    assert "Side by side" in compared
    assert first[1]["summary"] in compared
    assert "Nothing matches" in none


def test_an_option_opens_with_its_tariff_lines_and_constraints(
    visitor: Client, feature: Feature
) -> None:
    visitor.post("/features/chatbot/workload/", FORM)
    made = Recommendation.objects.get()
    asked = {"recommendation": made.pk, "option": made.launch_pick}

    page = visitor.get("/features/chatbot/options/option/", asked)
    fragment = visitor.get(
        "/features/chatbot/options/option/", asked, headers={"HX-Request": "true"}
    )

    for reply in (page, fragment):
        said = text(reply)
        assert "Tariff lines and assumptions" in said
        assert made.options[0]["cost"]["lines"][0]["sku"] in said
        assert "A month has 730 hours." in said
    assert "<html" not in fragment.content.decode()


def test_only_who_may_launch_is_offered_to(
    visitor: Client, signed_in: Callable[[User], Client], lead: User, feature: Feature
) -> None:
    visitor.post("/features/chatbot/workload/", FORM)

    member_sees = visitor.get("/features/chatbot/options/").content.decode()
    lead_sees = signed_in(lead).get("/features/chatbot/options/").content.decode()

    assert "/features/chatbot/launch/?recommendation=" not in member_sees
    assert "/features/chatbot/launch/?recommendation=" in lead_sees


def test_a_stranger_finds_none_of_it(
    signed_in: Callable[[User], Client], stranger: User, feature: Feature
) -> None:
    client = signed_in(stranger)
    for address in ("workload/", "options/", "options/option/", "advice-card/"):
        assert client.get(f"/features/chatbot/{address}").status_code == 404
    assert client.post("/features/chatbot/workload/", FORM).status_code == 404
    assert client.post("/features/chatbot/options/").status_code == 404


@pytest.mark.parametrize("pk", ["0", "99999", "abc", "-1", "9" * 30, "٣"])
def test_a_recommendation_that_is_not_there_is_not_found(
    visitor: Client, feature: Feature, pk: str
) -> None:
    assert visitor.get("/features/chatbot/options/", {"recommendation": pk}).status_code == 404


def test_an_empty_page_says_what_to_do_first(visitor: Client, feature: Feature) -> None:
    options = text(visitor.get("/features/chatbot/options/"))
    card = text(visitor.get("/features/chatbot/advice-card/"))
    opened = visitor.get("/features/chatbot/options/option/", {"option": "x"})

    assert "Describe the workload" in options
    assert "Describe the workload" in card
    assert opened.status_code == 404


def test_old_advice_says_that_prices_have_changed(visitor: Client, feature: Feature) -> None:
    visitor.post("/features/chatbot/workload/", FORM)
    made = Recommendation.objects.get()
    made.options[0]["cost"]["lines"][0]["unit_usd"] = "123"
    Recommendation.objects.filter(pk=made.pk).update(options=made.options)

    assert "Prices have changed since" in text(visitor.get("/features/chatbot/options/"))


def test_the_options_page_asks_the_database_a_fixed_number_of_times(
    visitor: Client, feature: Feature, django_assert_max_num_queries: Any
) -> None:
    visitor.post("/features/chatbot/workload/", FORM)
    visitor.post("/features/chatbot/options/")

    with django_assert_max_num_queries(16):
        visitor.get("/features/chatbot/options/")
