"""Portfolio plans over HTTP: asked for, kept, read alike on the page and over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from billing.usecases import budgets, prices
from deployments.models import PortfolioPlan
from deployments.usecases import advice, workloads
from portal.access import SYSTEM, Scope
from portal.models import AuditEvent, Feature, Team, User
from tests.functional.portal.world import WORKLOAD

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
Connect = Callable[..., APIClient]
URL = "/api/v1/portfolio-plans"


@pytest.fixture
def compared(feature: Feature, moderation_team: Team, noon: datetime) -> Feature:
    """The chatbot, compared; and a feature of another team that never was."""
    prices.load_list(now=noon)
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(200_000), now=noon)
    given = workloads.read(given=WORKLOAD)
    workloads.describe(actor=SYSTEM, feature=feature, workload=given, now=noon)
    advice.recommend(actor=SYSTEM, feature=feature, now=noon)
    Feature.objects.create(
        team=moderation_team, slug="moderation", name="Moderation", created_at=noon
    )
    return feature


def test_a_plan_over_rest_takes_one_option_for_each_feature_with_its_proof(
    compared: Feature, api: Connect, platform_engineer: User
) -> None:
    made = api(platform_engineer).post(URL, {"limits": {"ml.p5.4xlarge": 4}})
    assert made.status_code == 201
    body = made.json()
    assert (body["team"], body["objective"], body["fits"]) == (None, "cost", True)
    assert body["budget_usd"] == "200000.000000000000"
    (pick,) = body["plan"]["picks"]
    assert pick["feature"] == "chatbot"
    assert float(body["plan"]["gap"]) == 0
    assert [each["name"] for each in body["plan"]["rivals"]] == [
        "The decision tree's picks", "All on-demand", "All on GPU endpoints",
    ]  # fmt: skip
    assert body["plan"]["without_advice"] == ["Moderation"]
    assert api(platform_engineer).get(f"{URL}/{body['id']}").json() == body
    assert AuditEvent.objects.filter(verb="plan-portfolio").count() == 1


def test_the_page_says_what_rest_says(
    compared: Feature, signed_in: SignIn, platform_engineer: User, api: Connect
) -> None:
    browser = signed_in(platform_engineer)
    asked = {"team": "*", "objective": "cost", "budget_usd": "", "limits": "ml.p5.4xlarge = 4"}
    reply = browser.post("/portfolio/", asked, follow=True)
    assert reply.status_code == 200
    row = PortfolioPlan.objects.get()
    kept = api(platform_engineer).get(f"{URL}/{row.pk}").json()["plan"]
    text = reply.content.decode()
    for sentence in (*kept["sentences"], *kept["shadow"]):
        assert sentence in text
    assert "Never compared, so not in here: Moderation." in text
    assert "Everybody" in browser.get("/portfolio/").content.decode()


def test_a_budget_that_is_too_small_is_answered_with_what_must_give(
    compared: Feature, api: Connect, lead: User
) -> None:
    body = api(lead).post(URL, {"team": "chat", "budget_usd": "1"}).json()
    assert body["fits"] is False
    assert "more" in body["plan"]["relaxations"][0]


def test_a_team_plans_its_own_and_sees_its_own(
    compared: Feature, api: Connect, lead: User, stranger: User, controller: User
) -> None:
    made = api(lead).post(URL, {"team": "chat"}).json()
    assert api(lead).post(URL, {}).status_code == 403
    assert api(stranger).post(URL, {"team": "chat"}).status_code == 404
    assert api(stranger).get(f"{URL}/{made['id']}").status_code == 404
    assert api(stranger).get(URL).json()["results"] == []
    everybody = api(controller).post(URL, {}).json()
    assert api(lead).get(f"{URL}/{everybody['id']}").status_code == 404
    assert [each["id"] for each in api(lead).get(URL).json()["results"]] == [made["id"]]
    reader = api(lead, scopes=(Scope.READ,))
    assert reader.post(URL, {"team": "chat"}).status_code == 403


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"budget_usd": "-1"}, "budget_usd", "between 0"),
        ({"budget_usd": "=1+1"}, "budget_usd", "plain number"),
        ({"limits": {"a gpu": 1}}, "limits", "no instance type"),
        ({"priorities": {"nobody": 5}}, "priorities", "no feature here"),
        ({"longest_commitment_months": "99"}, "longest_commitment_months", "between 0 and 36"),
    ],
)
def test_what_cannot_be_gets_a_sentence(
    given: dict[str, Any],
    field: str,
    words: str,
    compared: Feature,
    api: Connect,
    lead: User,
) -> None:
    reply = api(lead).post(URL, {"team": "chat", **given})
    assert reply.status_code == 422
    assert words in reply.json()["fields"][field]
    assert not PortfolioPlan.objects.exists()


def test_nothing_compared_is_a_conflict(feature: Feature, api: Connect, lead: User) -> None:
    reply = api(lead).post(URL, {"team": "chat"})
    assert (reply.status_code, reply.json()["code"]) == (409, "nothing-to-plan")


def test_a_broken_line_in_the_form_is_said_beside_it(
    compared: Feature, signed_in: SignIn, lead: User
) -> None:
    asked = {"team": "chat", "objective": "value", "limits": "four of them"}
    reply = signed_in(lead).post("/portfolio/", asked)
    assert reply.status_code == 422
    assert "Write up to 200 lines such as ml.g6e.12xlarge = 4." in reply.content.decode()


def test_the_pages_ask_the_database_as_often_for_many_plans_as_for_one(
    compared: Feature,
    signed_in: SignIn,
    lead: User,
    api: Connect,
    django_assert_num_queries: Any,
) -> None:
    browser, client = signed_in(lead), api(lead)
    for _ in range(3):
        client.post(URL, {"team": "chat"})
    browser.get("/portfolio/")
    with django_assert_num_queries(6):
        browser.get("/portfolio/")
    with django_assert_num_queries(6):
        browser.get(f"/portfolio/{PortfolioPlan.objects.first().pk}/")
