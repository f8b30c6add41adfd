"""Front, break-even, turning points and what-if over REST: the figures of the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from billing.usecases import prices as price_usecases
from deployments.domain import pareto
from deployments.models import Recommendation
from deployments.queries import advice as queries
from portal.models import Feature, User
from tests.unit.deployments.advice_facts import scenario

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(api: Callable[..., APIClient], member: User) -> APIClient:
    cache.clear()
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    return api(member)


@pytest.fixture
def made(client: APIClient, feature: Feature) -> dict[str, Any]:
    """The options of image captions, where a GPU fleet and paying by use cross."""
    client.post("/api/v1/features/chatbot/workloads", scenario()["image-captions"]["workload"])
    body: dict[str, Any] = client.post("/api/v1/features/chatbot/recommendations").json()
    return body


def test_each_option_says_whether_it_is_on_the_front(made: dict[str, Any]) -> None:
    row = Recommendation.objects.get()
    front = {each.option_id for each in pareto.front(queries.options_of(row), percentile=95)}

    assert {each["option_id"] for each in made["options"] if each["on_front"]} == front
    assert (made["launch_sentence"] == "") == (made["pick"] == made["launch_pick"])


def test_the_break_even_names_the_load_at_which_the_cheapest_changes(
    made: dict[str, Any],
) -> None:
    even = made["break_even"]

    assert len(even["loads_rps"]) == len(even["lines"][0]["usd"]) == 25
    starts = [Decimal(each["start_rps"]) for each in even["segments"]]
    assert len(starts) > 1
    assert starts == sorted(starts)
    assert len(even["sentences"]) > 1
    drawn = {line["option_id"] for line in even["lines"]}
    assert {each["option_id"] for each in even["segments"]} <= drawn


def test_the_turning_points_have_both_sides_and_a_sentence(
    client: APIClient, made: dict[str, Any]
) -> None:
    reply = client.get(f"/api/v1/recommendations/{made['id']}/sensitivity")

    body = reply.json()
    assert reply.status_code == 200
    turned = [turn for turn in body["turns"] if turn["after"]]
    assert {turn["direction"] for turn in turned} == {"up", "down"}
    timed = next(turn for turn in turned if turn["lever"] == "Latency objective")
    assert timed["sentence"].startswith(f"Latency objective: at {timed['after']} (now 1,000 ms)")
    for said, is_other in ((timed["before"], False), (timed["after"], True)):
        asked = {"latency_ms": int(said.removesuffix(" ms").replace(",", ""))}
        answer = client.post("/api/v1/features/chatbot/what-if", asked).json()
        assert answer["is_other"] is is_other
    assert body["price_rise"] is not None
    assert body["note"] == ""


def test_a_what_if_says_what_would_be_chosen_and_keeps_nothing(
    client: APIClient, made: dict[str, Any]
) -> None:
    tokens = {"output_tokens": 400, "latency_ms": 9000}
    longer = client.post("/api/v1/features/chatbot/what-if", tokens).json()
    same = client.post("/api/v1/features/chatbot/what-if", {}).json()

    assert longer["pick"] is not None
    assert longer["is_other"] == (longer["pick"]["option_id"] != made["pick"])
    assert Decimal(longer["more_usd"]) > 0
    assert same["is_other"] is False
    assert same["pick"]["option_id"] == made["pick"]
    assert Decimal(same["more_usd"]) == 0
    assert same["recommendation"] == made["id"]
    assert Recommendation.objects.count() == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"mean_rps": "many"}, "mean_rps"),
        ({"latency_ms": 0}, "latency_ms"),
        ({"surprise": 1}, "surprise"),
        ({"quality_floor": True}, "quality_floor"),
    ],
)
def test_a_figure_that_cannot_be_is_a_problem_with_a_sentence(
    client: APIClient, made: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    reply = client.post("/api/v1/features/chatbot/what-if", asked)

    assert reply.status_code == 422
    assert field in reply.json()["fields"]


def test_a_what_if_before_comparing_is_a_conflict(client: APIClient, feature: Feature) -> None:
    reply = client.post("/api/v1/features/chatbot/what-if", {"mean_rps": 1})

    assert reply.status_code == 409
    assert reply.json()["code"] == "no-recommendation"
