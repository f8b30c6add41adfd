"""Deployments over REST: what is in them, who sees them, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from deployments.domain.options import Tier
from deployments.models import Deployment
from portal.models import Feature, User
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)
Connect = Callable[..., APIClient]
ONE = "/api/v1/deployments/chatbot-production"


def test_a_deployment_is_read_with_what_it_is_made_of_and_how_it_is_called(
    drill: Drill, api: Connect, member: User
) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    client = api(member)
    early = client.get(f"{ONE}/snippet")
    drill.run()
    one = client.get(ONE).json()
    made_of = client.get(f"{ONE}/resources").json()["results"]
    events = client.get(f"{ONE}/events").json()["results"]
    snippet = client.get(f"{ONE}/snippet").json()["results"]

    assert early.status_code == 409
    assert (one["state"], one["tier"], one["generation"]) == ("ready", "lambda-bedrock", 1)
    assert [row["key"] for row in made_of][:3] == ["profile", "logs", "role"]
    assert {row["phase"] for row in made_of} == {"ready"}
    assert events[-1]["kind"] == "launched"
    assert [each["label"] for each in snippet] == ["curl", "Python"]


def test_retire_resize_and_retry_are_accepted_or_refused_with_a_code(
    drill: Drill, api: Connect, lead: User
) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    drill.run()
    client = api(lead)
    nothing = client.post(f"{ONE}/retry")
    unknown = client.post(f"{ONE}/resize", {"colour": 1})
    lacking = client.post(f"{ONE}/resize", {"instances": 3})
    text = client.post(f"{ONE}/resize", {"max_concurrency": "many"})
    resized = client.post(f"{ONE}/resize", {"max_concurrency": 30})
    retired = client.post(f"{ONE}/retire")
    late = client.post(f"{ONE}/resize", {"max_concurrency": 20})

    assert (nothing.status_code, nothing.json()["code"]) == (409, "conflict")
    assert "colour" in unknown.json()["fields"]
    assert (lacking.status_code, list(lacking.json()["fields"])) == (422, ["instances"])
    assert text.status_code == 422
    assert (resized.status_code, resized.json()["generation"]) == (202, 2)
    assert (retired.status_code, retired.json()["is_wanted"]) == (202, False)
    assert late.status_code == 409


def test_a_stranger_finds_nothing_and_a_member_changes_nothing(
    drill: Drill, api: Connect, stranger: User, member: User
) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    found = drill.recommendation(option(Tier.LAMBDA_BEDROCK))
    outside, inside = api(stranger), api(member)
    body: dict[str, Any] = {
        "feature": "chatbot",
        "recommendation": found.pk,
        "option": found.launch_pick,
        "environment": "staging",
    }
    gets = [ONE, f"{ONE}/resources", f"{ONE}/events", f"{ONE}/snippet"]
    posts = [(f"{ONE}/resize", {"max_concurrency": 3}), (f"{ONE}/retire", {}), (f"{ONE}/retry", {})]
    launches = [("/api/v1/deployments", body), ("/api/v1/plans", body)]

    assert [outside.get(url).status_code for url in gets] == [404] * 4
    assert [outside.post(url, sent).status_code for url, sent in posts + launches] == [404] * 5
    assert outside.get("/api/v1/deployments").json()["results"] == []
    assert [inside.post(url, sent).status_code for url, sent in posts] == [403] * 3
    assert inside.post("/api/v1/deployments", body).status_code == 403
    assert inside.post("/api/v1/plans", body).status_code == 200
    assert Deployment.objects.count() == 1


def test_a_list_is_filtered_and_takes_the_same_queries_however_long(
    drill: Drill,
    api: Connect,
    feature: Feature,
    member: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(55):
        Deployment.objects.create(
            feature=feature,
            slug=f"d-{number}",
            environment="staging",
            state="retired",
            is_wanted=False,
            created_at=drill.clock.now,
        )
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    client = api(member)
    client.get("/api/v1/deployments")

    with django_assert_num_queries(5):
        page = client.get("/api/v1/deployments").json()
    assert len(page["results"]) == 50
    assert len(client.get(page["next"]).json()["results"]) == 6
    for query, count in (
        ("environment=production", 1),
        ("tier=bedrock-on-demand", 1),
        ("q=d-4", 11),
    ):
        assert len(client.get(f"/api/v1/deployments?{query}").json()["results"]) == count, query
