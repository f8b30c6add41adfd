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
    assert made["launch_sentence"] == ""


def test_the_break_even_names_the_load_at_which_the_cheapest_changes(
    made: dict[str, Any],
) -> None:
    even = made["break_even"]

    assert len(even["loads_rps"]) == len(even["lines"][0]["usd"]) == 25
    first, then = even["segments"][:2]
    assert first["option_id"] != then["option_id"]
    assert Decimal("13.9") < Decimal(then["start_rps"]) < Decimal("14")
    assert even["sentences"][1].startswith("From 13.93 requests/s, where it is ")


def test_the_turning_points_have_both_sides_and_a_sentence(
    client: APIClient, made: dict[str, Any]
) -> None:
    reply = client.get(f"/api/v1/recommendations/{made['id']}/sensitivity")

    body = reply.json()
    slower = next(
        turn
        for turn in body["turns"]
        if turn["lever"] == "Latency objective" and turn["direction"] == "up"
    )
    assert reply.status_code == 200
    assert (slower["now"], slower["before"], slower["after"]) == (
        "1,000 ms",
        "1,062 ms",
        "1,063 ms",
    )
    assert slower["option_id"].startswith("sagemaker-real-time/gemma-3-4b-it/")
    assert slower["sentence"].startswith("Latency objective: at 1,063 ms (now 1,000 ms)")
    assert Decimal(body["price_rise"]) > 0
    assert body["note"] == ""


def test_a_what_if_says_what_would_be_chosen_and_keeps_nothing(
    client: APIClient, made: dict[str, Any]
) -> None:
    slower = client.post("/api/v1/features/chatbot/what-if", {"latency_ms": 1063}).json()
    same = client.post("/api/v1/features/chatbot/what-if", {}).json()

    assert slower["is_other"] is True
    assert slower["pick"]["option_id"] != made["pick"]
    assert Decimal(slower["more_usd"]) < 0
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
