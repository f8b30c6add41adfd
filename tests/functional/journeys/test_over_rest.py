"""The main job over REST, with a real API key and a real HTTP client."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures.servers import Sandbox
from tests.functional.journeys.conftest import Reply, Rest, until

pytestmark = pytest.mark.browser

FEATURE = "form-filler"
DEPLOYMENT = f"{FEATURE}-production"
TIER = "sagemaker-real-time"
METERED_SECONDS = 150
OF_A_LEAD = ("read", "advise", "launch")
WORKLOAD = {
    "pattern": "interactive",
    "load": 2,
    "load_unit": "per-second",
    "input_tokens_mean": 400,
    "output_tokens_mean": 100,
    "latency_ms": 4000,
}


def test_a_key_registers_launches_calls_resizes_pays_and_retires(
    rest_as: Callable[..., Rest], pretend_aws: Sandbox, playing: Callable[[], object]
) -> None:
    rest = rest_as("lead", *OF_A_LEAD)
    found = _advised(rest)
    option = next(each for each in found["options"] if each["tier"] == TIER)
    assert option["verdict"] == "feasible"
    _launched(rest, found["id"], option["option_id"])
    _becomes(rest, "ready")
    _called(rest)
    _strangers_find_nothing(rest_as("other-lead", *OF_A_LEAD), found["id"])
    assert rest.post(f"deployments/{DEPLOYMENT}/resize", {"instances": 1}).status == 202
    _becomes(rest, "ready")
    _paid(rest)
    assert rest.post(f"deployments/{DEPLOYMENT}/retire").status == 202
    _becomes(rest, "retired")
    assert [each for each in pretend_aws.get("inventory") if FEATURE in str(each)] == []


def _advised(rest: Rest) -> dict[str, Any]:
    told = {"slug": FEATURE, "name": "Form filler", "team": "conversations"}
    assert rest.post("features", told).status == 201
    assert rest.post(f"features/{FEATURE}/workloads", WORKLOAD).status == 201
    reply = rest.post(f"features/{FEATURE}/recommendations")
    assert reply.status == 201
    return reply.body


def _launched(rest: Rest, recommendation: int, option: str) -> None:
    asked = {
        "feature": FEATURE,
        "recommendation": recommendation,
        "option": option,
        "environment": "production",
    }
    plan = rest.post("plans", asked)
    assert plan.body["may_launch"] is True
    assert [call["operation"] for call in plan.body["calls"]].count("CreateEndpoint") == 1
    first = rest.post("deployments", asked, idempotency_key="journey-launch")
    again = rest.post("deployments", asked, idempotency_key="journey-launch")
    assert (first.status, first.body["slug"]) == (202, DEPLOYMENT)
    assert again == first


def _becomes(rest: Rest, state: str) -> None:
    def is_there() -> bool:
        found = rest.get(f"deployments/{DEPLOYMENT}").body
        assert found["state"] != "failed"
        return bool(found["state"] == state)

    until(is_there, what=f"{DEPLOYMENT} becomes {state}", seconds=90)


def _called(rest: Rest) -> None:
    snippets = rest.get(f"deployments/{DEPLOYMENT}/snippet").body["results"]
    code = next(each["code"] for each in snippets if each["label"] == "Python")
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.defpath, "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip()


def _strangers_find_nothing(rest: Rest, recommendation: int) -> None:
    for path in (
        f"features/{FEATURE}",
        f"features/{FEATURE}/workloads",
        f"features/{FEATURE}/recommendations",
        f"recommendations/{recommendation}",
        f"deployments/{DEPLOYMENT}",
        f"deployments/{DEPLOYMENT}/resources",
        f"deployments/{DEPLOYMENT}/events",
        f"deployments/{DEPLOYMENT}/snippet",
    ):
        assert (path, rest.get(path).status) == (path, 404)
    for verb in ("resize", "retire", "retry"):
        assert (verb, rest.post(f"deployments/{DEPLOYMENT}/{verb}").status) == (verb, 404)
    for path in ("features", "workloads", "recommendations", "deployments", "charges", "spend"):
        assert FEATURE not in str(rest.get(path).body)


def _paid(rest: Rest) -> None:
    """Wait until the endpoint's first minutes are in the ledger and in the sums."""

    def is_booked() -> bool:
        return Decimal(rest.get(f"deployments/{DEPLOYMENT}").body["spent_usd"]) > 0

    until(is_booked, what=f"{DEPLOYMENT} costs something", seconds=METERED_SECONDS)
    charges = rest.get(f"charges?deployment={DEPLOYMENT}").body["results"]
    assert {each["unit"] for each in charges} == {"second"}
    by_feature = rest.get("spend?by=feature").body["results"]
    assert any(each["key"] == FEATURE and Decimal(each["usd"]) > 0 for each in by_feature)


def test_a_launch_over_the_budget_is_refused_with_the_figures(
    rest_as: Callable[..., Rest],
) -> None:
    rest = rest_as("lead", *OF_A_LEAD)
    told = {"slug": "novel-writer", "name": "Novel writer", "team": "conversations"}
    assert rest.post("features", told).status == 201
    load = WORKLOAD | {"load": 60, "models": ["anthropic.claude-sonnet-4-6"], "latency_ms": 60_000}
    assert rest.post("features/novel-writer/workloads", load).status == 201
    found = rest.post("features/novel-writer/recommendations").body
    asked = {
        "feature": "novel-writer",
        "recommendation": found["id"],
        "option": found["pick"],
        "environment": "production",
    }
    refused = rest.post("deployments", asked)
    assert (refused.status, refused.body["code"]) == (409, "over-budget")
    assert "200,000.00 USD" in refused.body["detail"]
    assert rest.get("deployments/novel-writer-production").status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"load": -1},
        {"load": "=1+1"},
        {"models": ["no-such-model"]},
        {"latency_ms": 0},
        {"latency_percentile": 0},
        {"load_unit": "per-fortnight"},
        {"notes": "x" * 2001},
        {"surprise": 1},
    ],
)
def test_nonsense_is_refused_with_a_sentence_about_the_field(
    change: dict[str, Any], rest: Rest
) -> None:
    reply = rest.post("features/chatbot/workloads", WORKLOAD | change)
    (field,) = change
    assert reply.status in (400, 422)
    assert field in reply.body["fields"]
    assert reply.body["fields"][field]


@pytest.fixture(scope="module")
def _kept() -> dict[str, Rest]:
    return {}


@pytest.fixture
def rest(_kept: dict[str, Rest], rest_as: Callable[..., Rest]) -> Rest:
    """One key of the lead for many short questions."""
    if "lead" not in _kept:
        _kept["lead"] = rest_as("lead", *OF_A_LEAD)
    return _kept["lead"]


def test_a_key_that_may_only_read_launches_nothing(rest_as: Callable[..., Rest]) -> None:
    rest = rest_as("lead", "read")
    told: Reply = rest.post("features", {"slug": "no", "name": "No", "team": "conversations"})
    assert (told.status, told.body["code"]) == (403, "not-allowed")
