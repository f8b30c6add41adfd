"""Launching from the page and over REST: the same plan, the same refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from billing.models import Reservation
from deployments.domain.options import Option, Tier
from deployments.models import Deployment
from portal.access import Scope
from portal.models import User
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/features/chatbot/launch/"
SignIn = Callable[[User], Client]
Connect = Callable[..., APIClient]


def asked(drill: Drill, choice: Option, **changes: Any) -> dict[str, Any]:
    found = drill.recommendation(choice)
    return {
        "recommendation": found.pk,
        "option": choice.option_id,
        "environment": "production",
    } | changes


def test_the_plan_shows_calls_permissions_and_money_before_anything_is_made(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    reply = signed_in(lead).get(PAGE, asked(drill, option(Tier.LAMBDA_BEDROCK)))
    page = reply.content.decode()

    assert reply.status_code == 200
    assert "lambda:CreateFunction" in page
    assert "slipway-chatbot-production-g1-function" in page
    assert "bedrock:InvokeModel" in page
    assert "CallTheModelsBehindIt" in page
    assert "9,900.00\N{NO-BREAK SPACE}USD" in page  # left after 100 of 10,000
    assert page.count("btn-primary") == 1
    assert not Deployment.objects.exists()


def test_a_commitment_is_said_with_what_it_owes_before_the_button_is_pressed(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    chosen = option(Tier.BEDROCK_PROVISIONED, monthly_usd=Decimal(400))
    cost = replace(chosen.cost, fixed_usd=Decimal(400))
    client = signed_in(lead)
    free = client.get(PAGE, asked(drill, chosen)).content.decode()
    bound = asked(drill, replace(chosen, cost=cost, commitment_months=6))
    page = client.get(PAGE, bound).content.decode()

    assert "nobody delete them" not in free
    assert "AWS lets nobody delete them before the end" in page
    assert "2,400.00 USD are owed at least" in page
    assert page.index("2,400.00 USD are owed") < page.index("Launch and commit to 2.40K")


def test_a_deployment_with_a_name_of_its_own_is_in_its_features_activity(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    client.post(PAGE, asked(drill, option(Tier.LAMBDA_BEDROCK), slug="answers"))
    client.post("/deployments/answers/resize/", {"max_concurrency": 9})
    client.post("/deployments/answers/retire/", {"confirm": "answers"})
    told = client.get("/features/chatbot/activity/").content.decode()

    for words in ("launched answers", "resized answers", "retired answers"):
        assert words in told


def test_a_launch_from_the_page_holds_its_money_and_opens_its_page(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    reply = signed_in(lead).post(PAGE, asked(drill, option(Tier.BEDROCK_ON_DEMAND)))

    assert reply.status_code == 302
    assert reply["Location"] == "/deployments/chatbot-production/"
    held = Reservation.objects.get(deployment="chatbot-production")
    assert held.monthly_usd == Decimal(100)


def test_a_launch_over_rest_is_accepted_and_repeated_with_its_key_is_one(
    drill: Drill, api: Connect, lead: User
) -> None:
    client = api(lead)
    body = {"feature": "chatbot"} | asked(drill, option(Tier.BEDROCK_ON_DEMAND))
    first = client.post("/api/v1/deployments", body, headers={"Idempotency-Key": "once"})
    again = client.post("/api/v1/deployments", body, headers={"Idempotency-Key": "once"})

    assert first.status_code == again.status_code == 202, first.json()
    assert first.json()["slug"] == "chatbot-production"
    assert first.json()["state"] == "pending"
    assert Decimal(first.json()["estimate_usd"]) == 100
    assert Decimal(first.json()["spent_usd"]) == 0
    assert again["Idempotent-Replayed"] == "true"
    assert Deployment.objects.count() == 1


def test_both_faces_refuse_what_the_budget_cannot_carry_with_the_figures(
    drill: Drill, signed_in: SignIn, api: Connect, lead: User
) -> None:
    body = asked(drill, option(Tier.BEDROCK_PROVISIONED, monthly_usd=Decimal(12_345)))
    page = signed_in(lead).post(PAGE, body | {"slug": "typed-by-me"})
    rest = api(lead).post("/api/v1/deployments", {"feature": "chatbot"} | body)

    assert page.status_code == rest.status_code == 409
    assert rest.json()["code"] == "over-budget"
    text = page.content.decode()
    for figure in ("12,345.00", "10,000.00"):
        assert figure in text
        assert figure in rest.json()["detail"]
    assert 'value="typed-by-me"' in text
    assert not Deployment.objects.exists()


def test_a_soft_check_is_launched_only_once_it_is_accepted(
    drill: Drill, signed_in: SignIn, api: Connect, lead: User
) -> None:
    body = asked(drill, option(Tier.BEDROCK_ON_DEMAND, broken=("latency",)))
    client = signed_in(lead)
    plan = api(lead).post("/api/v1/plans", {"feature": "chatbot"} | body).json()
    refused = client.post(PAGE, body)
    rest = api(lead).post("/api/v1/deployments", {"feature": "chatbot"} | body)

    assert [check["name"] for check in plan["acceptable"]] == ["latency"]
    assert plan["forbidden"] == []
    assert refused.status_code == rest.status_code == 409
    assert rest.json()["code"] == "not-launchable"
    assert "latency does not hold." in refused.content.decode()
    assert client.post(PAGE, body | {"accept": ["latency"]}).status_code == 302


def test_a_hard_check_is_never_launched(drill: Drill, signed_in: SignIn, lead: User) -> None:
    body = asked(drill, option(Tier.BEDROCK_ON_DEMAND, broken=("region",)))
    client = signed_in(lead)
    shown = client.get(PAGE, body).content.decode()
    refused = client.post(PAGE, body | {"accept": ["region"]})

    assert "cannot be accepted either: region does not hold." in shown
    assert refused.status_code in (409, 422)
    assert not Deployment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": "No Spaces!"}, "lower-case letters, digits"),
        ({"slug": "<script>alert(1)</script>"}, "lower-case letters, digits"),
        ({"environment": "moon"}, "moon is not one of the available choices"),
        ({"slug": "x" * 41}, "at most 40 characters"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_what_was_typed_is_kept(
    drill: Drill, signed_in: SignIn, lead: User, changes: dict[str, Any], words: str
) -> None:
    reply = signed_in(lead).post(PAGE, asked(drill, option(Tier.BEDROCK_ON_DEMAND), **changes))
    page = reply.content.decode()

    assert reply.status_code == 422
    assert words in page
    assert "<script>alert" not in page
    assert not Deployment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recommendation": "first"}, "recommendation"),
        ({"recommendation": -1}, "recommendation"),
        ({"recommendation": 10**30}, "recommendation"),
        ({"environment": "moon"}, "environment"),
        ({"slug": "No Spaces!"}, "slug"),
        ({"accept": ["region"]}, "accept.0"),
        ({"accept": "latency"}, "accept"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_rest_says_which_field_is_wrong(
    drill: Drill, api: Connect, lead: User, changes: dict[str, Any], field: str
) -> None:
    body = {"feature": "chatbot"} | asked(drill, option(Tier.BEDROCK_ON_DEMAND)) | changes
    reply = api(lead).post("/api/v1/deployments", body)

    assert reply.status_code == 422, reply.json()
    assert field in reply.json()["fields"]


@pytest.mark.parametrize("query", ["?recommendation=999999", "?recommendation=%F0", "?option=no"])
def test_an_unknown_recommendation_or_option_is_not_found(
    drill: Drill, signed_in: SignIn, lead: User, query: str
) -> None:
    drill.recommendation(option(Tier.BEDROCK_ON_DEMAND))

    assert signed_in(lead).get(PAGE + query).status_code == 404


def test_without_a_comparison_the_launch_page_leads_to_the_options(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    reply = signed_in(lead).get(PAGE)

    assert reply.status_code == 302
    assert reply["Location"] == "/features/chatbot/options/"


def test_a_member_sees_the_plan_and_may_not_launch(
    drill: Drill, signed_in: SignIn, api: Connect, member: User
) -> None:
    body = asked(drill, option(Tier.BEDROCK_ON_DEMAND))
    shown = signed_in(member).get(PAGE, body)
    page = signed_in(member).post(PAGE, body)
    rest = api(member).post("/api/v1/deployments", {"feature": "chatbot"} | body)

    assert shown.status_code == 200
    assert "btn-primary" not in shown.content.decode()
    assert page.status_code == rest.status_code == 403
    assert not Deployment.objects.exists()


def test_a_key_without_the_scope_may_not_launch(drill: Drill, api: Connect, lead: User) -> None:
    body = {"feature": "chatbot"} | asked(drill, option(Tier.BEDROCK_ON_DEMAND))
    reply = api(lead, scopes=(Scope.READ,)).post("/api/v1/deployments", body)

    assert reply.status_code == 403
    assert "launch" in reply.json()["detail"]


def test_a_second_launch_in_the_same_environment_is_refused_alike(
    drill: Drill, signed_in: SignIn, api: Connect, lead: User
) -> None:
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    body = asked(drill, option(Tier.LAMBDA_BEDROCK))
    page = signed_in(lead).post(PAGE, body)
    rest = api(lead).post("/api/v1/deployments", {"feature": "chatbot"} | body)

    assert page.status_code == rest.status_code == 409
    assert "already serves in production" in page.content.decode()
    assert "already serves in production" in rest.json()["detail"]


def test_another_environment_is_previewed_as_a_fragment(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    body = asked(drill, option(Tier.LAMBDA_BEDROCK), environment="staging")
    reply = signed_in(lead).get(PAGE, body, headers={"HX-Request": "true"})
    page = reply.content.decode()

    assert page.lstrip().startswith('<div class="flow" id="plan">')
    assert "slipway-chatbot-staging-g1-function" in page
