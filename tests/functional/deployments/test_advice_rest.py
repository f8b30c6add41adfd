"""Workloads, recommendations and the catalog over REST, with a real API key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from billing.usecases import prices as price_usecases
from portal.access import Scope
from portal.models import Feature, User
from tests.unit.deployments.advice_facts import PLAIN, scenario

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(api: Callable[..., APIClient], member: User) -> APIClient:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    return api(member)


def test_a_workload_is_described_and_compared(client: APIClient, feature: Feature) -> None:
    asked = PLAIN | {"load": 50000, "load_unit": "per-day", "window_hours": 8, "peak_rps": 4}
    described = client.post("/api/v1/features/chatbot/workloads", asked)
    made = client.post("/api/v1/features/chatbot/recommendations")
    listed = client.get("/api/v1/recommendations", {"feature": "chatbot"})
    read = client.get(f"/api/v1/recommendations/{made.json()['id']}")

    assert described.status_code == 201, described.json()
    assert described.json()["body"]["mean_rps"] == "0.578704"
    assert described.json()["sentences"][0].startswith("That is 1.5 million requests a month")
    assert made.status_code == 201, made.json()
    best = made.json()["options"][0]
    assert best["option_id"] == made.json()["pick"]
    assert best["verdict"] == "feasible"
    assert isinstance(best["cost"]["expected_usd"], str)
    assert [row["id"] for row in listed.json()["results"]] == [made.json()["id"]]
    assert "options" not in listed.json()["results"][0]
    assert read.json()["options"] == made.json()["options"]
    assert read.json()["outdated"] == []


@pytest.mark.parametrize("slug", list(scenario()))
def test_scenario_a_is_taken_as_it_is_shipped(
    client: APIClient, feature: Feature, slug: str
) -> None:
    reply = client.post("/api/v1/features/chatbot/workloads", scenario()[slug]["workload"])

    assert reply.status_code == 201, reply.json()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"load": -5}, "load", "between"),
        ({"load": "500rps"}, "load", "without a unit"),
        ({"load": 10**30}, "load", "between"),
        ({"load": None}, "load", "null"),
        ({"load": {"a": 1}}, "load", "number"),
        ({"latency_ms": 0, "latency_percentile": 99}, "latency_ms", "between 1"),
        ({"latency_ms": "200ms"}, "latency_ms", "without a unit"),
        ({"models": ["gpt-unknown"]}, "models", "no model"),
        ({"peak_rps": 1}, "peak_rps", "below the mean"),
        ({"output_tokens_p95": 1}, "output_tokens_p95", "below the mean"),
        ({"pattern": "x"}, "pattern", "not a valid choice"),
        ({"notes": "n" * 10_000_00}, "notes", "2000 characters"),
        ({"surprise": 1}, "surprise", "no field"),
    ],
)
def test_what_cannot_be_is_a_problem_with_a_sentence(
    client: APIClient, feature: Feature, changes: dict[str, Any], field: str, words: str
) -> None:
    reply = client.post("/api/v1/features/chatbot/workloads", PLAIN | changes)

    assert reply.status_code == 422
    assert reply["Content-Type"].startswith("application/problem+json")
    assert words in reply.json()["fields"][field]


@pytest.mark.parametrize("body", ['{"load": NaN}', "{", "[]", '"text"', '{"load": 1e999}'])
def test_broken_json_is_a_clear_refusal(client: APIClient, feature: Feature, body: str) -> None:
    reply = client.post("/api/v1/features/chatbot/workloads", body, content_type="application/json")

    assert reply.status_code in (400, 422)
    assert reply.json()["detail"]


def test_comparing_before_describing_is_a_conflict(client: APIClient, feature: Feature) -> None:
    reply = client.post("/api/v1/features/chatbot/recommendations")

    assert reply.status_code == 409
    assert reply.json()["code"] == "no-workload"


def test_a_stranger_finds_nothing(
    api: Callable[..., APIClient], client: APIClient, stranger: User, feature: Feature
) -> None:
    client.post("/api/v1/features/chatbot/workloads", PLAIN)
    made = client.post("/api/v1/features/chatbot/recommendations").json()
    other = api(stranger)

    assert other.get(f"/api/v1/recommendations/{made['id']}").status_code == 404
    assert other.get("/api/v1/features/chatbot/workloads").status_code == 404
    assert other.post("/api/v1/features/chatbot/workloads", PLAIN).status_code == 404
    assert other.get("/api/v1/recommendations").json()["results"] == []
    assert other.get("/api/v1/workloads", {"feature": "chatbot"}).json()["results"] == []


def test_a_reading_key_may_read_and_not_ask(
    api: Callable[..., APIClient], client: APIClient, member: User, feature: Feature
) -> None:
    client.post("/api/v1/features/chatbot/workloads", PLAIN)
    reader = api(member, scopes=(Scope.READ,))

    assert len(reader.get("/api/v1/workloads").json()["results"]) == 1
    assert reader.post("/api/v1/features/chatbot/workloads", PLAIN).status_code == 403


def test_the_catalog_says_what_each_model_is_and_since_when(client: APIClient) -> None:
    found = {row["model_id"]: row for row in client.get("/api/v1/catalog/models").json()["results"]}

    haiku = found["anthropic.claude-haiku-5-5"]
    assert haiku["routes"]["us"] == "us.anthropic.claude-haiku-5-5"
    assert not haiku["sells_provisioned"]
    assert found["amazon.nova-micro-v1:0"]["sells_provisioned"]
    assert found["llama-3.1-8b-instruct"]["kind"] == "weights"
    assert all(row["source"] and row["as_of"] for row in found.values())
