"""Capacity plans and load tests over REST, with a real API key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from billing.usecases import prices as price_usecases
from deployments.models import CapacityPlan, LoadPoint
from portal.access import Scope
from portal.models import Feature, Team, User

pytestmark = pytest.mark.django_db(transaction=True)

PLANS, POINTS = "/api/v1/capacity-plans", "/api/v1/load-points"
ASKED: dict[str, Any] = {
    "team": "chat",
    "model": "Llama-3-8B",
    "mean_rps": 2,
    "peak_rps": 6,
    "input_tokens_mean": 1500,
    "output_tokens_mean": 300,
    "latency_ms": 6000,
    "precisions": ["bf16", "fp8"],
}
NUMBERS = {
    "name": "House 8B", "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128,
    "intermediate": 14336, "vocabulary": 128256,
}  # fmt: skip


@pytest.fixture
def client(api: Callable[..., APIClient], member: User, chat_team: Team) -> APIClient:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    return api(member)


def point_of(plan: dict[str, Any], **changes: Any) -> dict[str, Any]:
    pick = plan["plan"]["pick"]
    return {
        "team": "chat",
        "architecture": plan["model"],
        "accelerator": pick["gpu"],
        "tensor_parallel": pick["tensor_parallel"],
        "precision": pick["precision"],
        "engine": plan["request"]["engine"],
        "input_tokens": 1500,
        "output_tokens": 300,
        "concurrency": 8,
        "tpot_ms": pick["prediction"]["tpot"]["value"] * 1.6,
    } | changes


def test_a_plan_is_made_kept_and_found(client: APIClient, feature: Feature) -> None:
    made = client.post(PLANS, ASKED | {"feature": "chatbot"})
    listed = client.get(PLANS, {"feature": "chatbot"})
    read = client.get(f"{PLANS}/{made.json()['id']}")

    body = made.json()
    assert made.status_code == 201, body
    assert body["plan"]["pick"]["key"] == body["plan"]["finalists"][0]["key"]
    assert body["plan"]["pick"]["usd_month"] is not None
    assert isinstance(body["plan"]["pick"]["usd_month"], str)
    assert body["plan"]["pick"]["prediction"]["e2e_p99"]["basis"]
    assert body["plan"]["pick"]["loading"]["startup_health_check_timeout_s"] > 0
    assert body["plan"]["refused"][0]["reason"]
    assert (body["feature"], body["model"], body["outdated"]) == ("chatbot", "Llama-3-8B", [])
    assert [row["id"] for row in listed.json()["results"]] == [body["id"]]
    assert "plan" not in listed.json()["results"][0]
    assert read.json() == body


def test_an_own_model_is_planned_like_the_listed_one(client: APIClient) -> None:
    own = {name: value for name, value in ASKED.items() if name != "model"} | NUMBERS

    listed, made = client.post(PLANS, ASKED).json(), client.post(PLANS, own).json()

    assert made["model"] == "House 8B"
    assert made["plan"]["pick"]["memory"] == listed["plan"]["pick"]["memory"]


def test_the_same_key_plans_once(client: APIClient) -> None:
    first = client.post(PLANS, ASKED, headers={"Idempotency-Key": "plan-1"})
    again = client.post(PLANS, ASKED, headers={"Idempotency-Key": "plan-1"})

    assert first.json() == again.json()
    assert CapacityPlan.objects.count() == 1


def test_impossible_wishes_are_answered_with_the_nearest(client: APIClient) -> None:
    reply = client.post(PLANS, ASKED | {"model": "Llama-3-70B", "latency_ms": 5})

    assert reply.status_code == 201
    assert reply.json()["plan"]["pick"] is None
    assert reply.json()["plan"]["nearest"][0]["sentence"]
    assert reply.json()["plan"]["sentences"][0].startswith("No configuration")


def test_one_load_test_recalibrates_the_plans_of_its_configuration(client: APIClient) -> None:
    asked = ASKED | {"instance_types": ["ml.p5.4xlarge"], "precisions": ["fp8"]}
    old, other = (client.post(PLANS, asked | more).json() for more in ({}, {"mean_rps": 3}))
    before = old["plan"]["pick"]["prediction"]["tpot"]

    entered = client.post(POINTS, point_of(old, source="bench of 20 Nov"))

    assert entered.status_code == 201, entered.json()
    assert len(entered.json()["plans"]) == 2
    new = [client.get(f"{PLANS}/{pk}").json() for pk in entered.json()["plans"]]
    same = next(plan for plan in new if plan["request"] == old["request"])
    key = old["plan"]["pick"]["key"]
    after = next(each for each in same["plan"]["finalists"] if each["key"] == key)
    assert after["prediction"]["tpot"]["value"] > before["value"] * 1.2
    assert after["prediction"]["tpot"]["basis"].startswith("Measured here (bench of 20 Nov")
    assert client.get(f"{PLANS}/{other['id']}").json()["outdated"][0].startswith("A load test")
    assert client.get(POINTS).json()["results"][0]["point"]["source"] == "bench of 20 Nov"


def test_a_load_test_of_another_team_changes_nothing_here(
    api: Callable[..., APIClient], client: APIClient, lead: User, stranger: User,
    moderation_team: Team,
) -> None:  # fmt: skip
    old = client.post(PLANS, ASKED).json()

    other = api(stranger).post(POINTS, point_of(old, team="moderation"))
    again = client.post(f"{PLANS}/{old['id']}/again")

    assert other.status_code == 201, other.json()
    assert other.json()["plans"] == []
    assert again.json()["plan"] == old["plan"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"model": "GPT-9"}, "model", "There is no model"),
        ({"layers": 3}, "model", "not both"),
        ({"mean_rps": -1}, "mean_rps", "between"),
        ({"mean_rps": "=1+1"}, "mean_rps", "plain number"),
        ({"mean_rps": 10**30}, "mean_rps", "between"),
        ({"latency_ms": "3 s"}, "latency_ms", "without a unit"),
        ({"instance_types": ["ml.huge"]}, "instance_types", "is none"),
        ({"gpu_quota": {"ml.huge": 1}}, "gpu_quota", "does not"),
        ({"gpu_quota": {"ml.p5.48xlarge": -1}}, "gpu_quota.ml.p5.48xlarge", "greater"),
        ({"surprise": 1}, "surprise", "no field"),
        ({"team": "Chat Team"}, "team", "slug"),
    ],
)
def test_what_cannot_be_planned_is_a_problem(
    client: APIClient, changes: dict[str, Any], field: str, words: str
) -> None:
    reply = client.post(PLANS, ASKED | changes)

    assert reply.status_code == 422
    assert words in reply.json()["fields"][field]
    assert not CapacityPlan.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"accelerator": "Abacus"}, "accelerator", "one of"),
        ({"concurrency": None}, "concurrency", "null"),
        ({"request_rate": 3}, "concurrency", "one of the two"),
        ({"tpot_ms": "NaN"}, "tpot_ms", "plain number"),
        ({"tensor_parallel": 3}, "tensor_parallel", "one of: 1, 2, 4, 8, 16"),
    ],
)
def test_a_load_test_that_cannot_be_is_a_problem(
    client: APIClient, changes: dict[str, Any], field: str, words: str
) -> None:
    plan = client.post(PLANS, ASKED).json()

    reply = client.post(POINTS, point_of(plan) | changes)

    assert reply.status_code == 422
    assert words in reply.json()["fields"][field]
    assert not LoadPoint.objects.exists()


def test_strangers_find_nothing_and_readers_write_nothing(
    api: Callable[..., APIClient], client: APIClient, member: User, stranger: User
) -> None:
    plan = client.post(PLANS, ASKED).json()
    client.post(POINTS, point_of(plan))
    other, reader = api(stranger), api(member, scopes=(Scope.READ,))

    assert other.get(PLANS).json()["results"] == []
    assert other.get(POINTS).json()["results"] == []
    assert other.get(f"{PLANS}/{plan['id']}").status_code == 404
    assert other.post(f"{PLANS}/{plan['id']}/again").status_code == 404
    assert other.post(PLANS, ASKED).status_code == 404
    assert other.post(POINTS, point_of(plan)).status_code == 404
    endpoint = {"configuration": "x", "deployment": "chatbot-production"}
    assert other.post(f"{PLANS}/{plan['id']}/endpoint", endpoint).status_code == 404
    assert len(reader.get(PLANS).json()["results"]) == 2
    assert reader.post(PLANS, ASKED).status_code == 403
    assert reader.post(POINTS, point_of(plan)).status_code == 403


def test_a_feature_of_another_team_is_refused(
    api: Callable[..., APIClient], client: APIClient, platform_engineer: User, feature: Feature,
    moderation_team: Team,
) -> None:  # fmt: skip
    everywhere = api(platform_engineer)

    reply = everywhere.post(PLANS, ASKED | {"team": "moderation", "feature": "chatbot"})

    assert reply.status_code == 422
    assert "belongs to another team" in reply.json()["fields"]["feature"]
