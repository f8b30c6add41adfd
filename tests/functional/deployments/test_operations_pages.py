"""A deployment's page and the fleet: what they show, to whom, and in how many queries."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from deployments.domain.blueprint.spec import Kind
from deployments.domain.lifecycle import State
from deployments.domain.options import LAUNCHABLE, Tier
from deployments.domain.target import Permanent, Transient
from deployments.models import Deployment
from deployments.usecases import operate
from portal.access import SYSTEM
from portal.models import Feature, User
from tests.fixtures.options import option
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Client]
PAGE = "/deployments/chatbot-production/"
HTMX = {"HX-Request": "true"}
GETS = (
    PAGE,
    f"{PAGE}status/",
    f"{PAGE}traffic/",
    "/features/chatbot/launch/",
    "/features/chatbot/deployments/",
    "/features/chatbot/deployments-card/",
)
POSTS = (
    f"{PAGE}resize/",
    f"{PAGE}retire/",
    f"{PAGE}retry/",
    f"{PAGE}traffic/play/",
    "/features/chatbot/launch/",
)


def text(reply: Any) -> str:
    return str(reply.content.decode())


def rows_of(reply: Any) -> list[dict[str, str]]:
    lines = b"".join(reply.streaming_content).decode().splitlines()
    return list(csv.DictReader(lines))


def test_a_page_polls_until_it_is_ready_and_then_stops(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    client = signed_in(lead)
    before = text(client.get(PAGE))
    moving = client.get(f"{PAGE}status/", headers=HTMX)
    drill.run()
    settled = client.get(f"{PAGE}status/", headers=HTMX)
    after = text(client.get(PAGE))

    assert 'hx-trigger="every 2s"' in before
    assert 'aria-live="polite"' in before
    assert "curl" not in before
    assert moving.status_code == 200
    assert "<h1>" not in text(moving)
    assert settled.status_code == 286
    assert 'hx-swap-oob="true"' in text(settled)
    assert "aws-sigv4" in text(settled)
    assert "aws-sigv4" in after
    assert f'hx-get="{PAGE}status/"' not in after


def test_nothing_is_sent_again_while_nothing_has_changed(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    client = signed_in(lead)
    seen = client.get(f"{PAGE}status/").context["face"].seen
    same = client.get(f"{PAGE}status/", {"seen": seen}, headers=HTMX)
    drill.sweep()
    changed = client.get(f"{PAGE}status/", {"seen": seen}, headers=HTMX)

    assert same.status_code == 204
    assert changed.status_code == 200


def test_a_refusal_shows_aws_words_what_they_mean_and_a_retry(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    refusal = Permanent("Too many model units.", code="ServiceQuotaExceededException")
    drill.cloud.refuse(Kind.THROUGHPUT, "create", refusal)
    drill.run(rounds=2)
    deployment.refresh_from_db()
    client = signed_in(lead)
    page = text(client.get(PAGE))

    assert deployment.state == State.FAILED
    assert "ServiceQuotaExceededException: Too many model units." in page
    assert "The account&#x27;s quota does not allow this much." in page
    assert "Ask for an increase in Service Quotas" in page
    assert f'action="{PAGE}retry/"' in page
    assert "failed: read what AWS said" in text(client.get("/fleet/home-card/"))

    assert client.post(f"{PAGE}retry/").status_code == 302
    drill.clock.now = timezone.now()
    drill.run()
    deployment.refresh_from_db()
    assert deployment.state == State.READY
    assert f'action="{PAGE}retry/"' not in text(client.get(PAGE))


@pytest.mark.parametrize(("days", "is_offered"), [(20, False), (-1, True)])
def test_what_aws_keeps_until_the_end_of_a_term_is_not_to_be_tried_again_before(
    drill: Drill, signed_in: SignIn, lead: User, days: int, is_offered: bool
) -> None:
    deployment = drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.run()
    row = drill.resource("throughput")
    row.outputs |= {"bound_until": (timezone.now() + timedelta(days=days)).isoformat()}
    row.save(update_fields=["outputs"])
    refusal = Permanent("It cannot be deleted before its term ends.", code="ValidationException")
    drill.cloud.refuse(Kind.THROUGHPUT, "delete", *[refusal] * 3)
    operate.retire(actor=SYSTEM, deployment=deployment, now=drill.clock.now)
    drill.sweep()

    page = text(signed_in(lead).get(PAGE))

    assert "before its term ends" in page
    assert (f'action="{PAGE}retry/"' in page) is is_offered


def test_a_throttle_shows_the_attempt_and_when_the_next_one_is(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    drill.launch(option(Tier.BEDROCK_PROVISIONED))
    refusal = Transient("Slow down.", code="ThrottlingException")
    drill.cloud.refuse(Kind.THROUGHPUT, "create", refusal)
    drill.sweep()
    page = text(signed_in(lead).get(PAGE))

    assert "ThrottlingException: Slow down." in page
    assert "attempt 1" in page
    assert "next look" in page


def test_a_resize_is_checked_against_the_budget_and_shown_as_a_generation(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    chosen = option(Tier.BEDROCK_PROVISIONED, monthly_usd=Decimal(4000))
    line = replace(chosen.cost.lines[0], is_fixed=True)
    drill.launch(replace(chosen, cost=replace(chosen.cost, lines=(line,))))
    drill.run()
    client = signed_in(lead)
    units = drill.resource("throughput").spec["model_units"]
    dear = client.post(f"{PAGE}resize/", {"model_units": units * 4})
    wrong = client.post(f"{PAGE}resize/", {"model_units": -1})
    same = client.post(f"{PAGE}resize/", {"model_units": units})
    done = client.post(f"{PAGE}resize/", {"model_units": units * 2})

    assert dear.status_code == 409
    assert "16,000.00 USD" in text(dear)
    assert f'value="{units * 4}"' in text(dear)
    assert wrong.status_code == 422
    assert "greater than or equal to 1" in text(wrong)
    assert same.status_code in (409, 422)
    assert done.status_code == 302
    assert "Generation 2" in text(client.get(PAGE))


def test_another_size_is_priced_before_it_is_asked_for(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    chosen = option(Tier.BEDROCK_PROVISIONED, monthly_usd=Decimal(400))
    line = replace(chosen.cost.lines[0], is_fixed=True)
    cost = replace(chosen.cost, lines=(line,), fixed_usd=Decimal(400))
    drill.launch(replace(chosen, cost=cost, commitment_months=1))
    drill.run()
    client = signed_in(lead)
    units = drill.resource("throughput").spec["model_units"]
    look = {"look": "1", "model_units": units * 2}
    fragment = client.post(f"{PAGE}resize/", look, headers=HTMX)
    page = client.post(f"{PAGE}resize/", look)
    same = client.post(f"{PAGE}resize/", look | {"model_units": units}, headers=HTMX)
    wrong = client.post(f"{PAGE}resize/", look | {"model_units": -1}, headers=HTMX)

    assert f"Model units: {units} to {units * 2}." in text(fragment)
    assert "800.00\xa0USD" in text(fragment)
    assert "+400.00\xa0USD" in text(fragment)
    assert "would be left" in text(fragment)
    assert "nobody delete them before its end" in text(fragment)
    assert "<h1>" not in text(fragment)
    assert "800.00\xa0USD" in text(page)
    assert "This is the size it has" in text(same)
    assert wrong.status_code == 422
    assert "greater than or equal to 1" in text(wrong)
    assert Deployment.objects.get().generations.count() == 1


def test_what_follows_the_load_has_no_size(drill: Drill, signed_in: SignIn, lead: User) -> None:
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    client = signed_in(lead)

    assert "resize/" not in text(client.get(PAGE))
    assert client.post(f"{PAGE}resize/", {"instances": 2}).status_code == 409


def test_production_is_retired_only_with_its_name_typed_and_the_loss_is_named(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    drill.run()
    client = signed_in(lead)
    page = text(client.get(PAGE))
    refused = client.post(f"{PAGE}retire/", {"confirm": "chatbot"})
    done = client.post(f"{PAGE}retire/", {"confirm": "chatbot-production"})

    assert "Lambda function slipway-chatbot-production-g1-function" in page
    assert refused.status_code == 422
    assert done.status_code == 302
    assert Deployment.objects.get().state == State.RETIRING
    assert client.get(f"{PAGE}status/").status_code == 200
    drill.clock.now = timezone.now()
    drill.run()
    assert client.get(f"{PAGE}status/").status_code == 286
    assert f'action="{PAGE}retire/"' not in text(client.get(PAGE))


def test_a_stranger_finds_nothing_anywhere(drill: Drill, signed_in: SignIn, stranger: User) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    client = signed_in(stranger)

    assert {url: client.get(url).status_code for url in GETS} == dict.fromkeys(GETS, 404)
    assert {url: client.post(url).status_code for url in POSTS} == dict.fromkeys(POSTS, 404)
    assert "chatbot" not in text(client.get("/fleet/"))
    assert "chatbot" not in text(client.get("/fleet/home-card/"))
    assert rows_of(client.get("/fleet/?format=csv")) == []


def test_a_member_looks_and_changes_nothing(drill: Drill, signed_in: SignIn, member: User) -> None:
    drill.launch(option(Tier.LAMBDA_BEDROCK))
    drill.run()
    client = signed_in(member)
    page = text(client.get(PAGE))
    body = {"confirm": "chatbot-production", "max_concurrency": 3}
    replies = [client.post(f"{PAGE}{verb}/", body) for verb in ("retire", "resize", "retry")]

    assert "aws-sigv4" in page
    assert f'action="{PAGE}retire/"' not in page
    assert [reply.status_code for reply in replies] == [403, 403, 403]
    assert Deployment.objects.get().state == State.READY


@pytest.fixture
def many(drill: Drill, feature: Feature) -> list[Deployment]:
    """Sixty deployments of ten features, launched a minute apart."""
    found = []
    for number in range(60):
        other, _ = Feature.objects.get_or_create(
            slug=f"feature-{number % 10}",
            defaults={
                "team": feature.team,
                "name": f"Feature {number % 10}",
                "created_at": drill.clock.now,
            },
        )
        made = Deployment.objects.create(
            feature=other,
            slug=f"d-{number:02}",
            environment="staging" if number % 2 else "production",
            state=State.RETIRED,
            is_wanted=False,
            created_at=drill.clock.now - timedelta(minutes=number),
        )
        made.current = made.generations.create(
            number=1,
            option={},
            tier=sorted(LAUNCHABLE)[number % 5].value,
            model="amazon.nova-lite-v1:0",
            monthly_usd=Decimal(number),
            created_at=drill.clock.now,
            created_by="test",
        )
        made.save()
        found.append(made)
    return found


def test_the_fleet_is_paged_sorted_and_filtered_by_links(
    many: list[Deployment], signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    first = client.get("/fleet/?sort=-estimate")
    second = client.get(f"/fleet/{first.context['page'].next_url}")
    slugs = [row.deployment.slug for reply in (first, second) for row in reply.context["rows"]]

    assert slugs == [f"d-{number:02}" for number in reversed(range(60))]
    for query, count in (
        ("environment=staging", 30),
        ("tier=bedrock-provisioned", 12),
        ("state=ready", 0),
        ("team=chat", 50),
        ("team=moderation", 0),
        ("q=d-1", 10),
        ("q=feature+7", 6),
        ("state=%27%3B--", 0),
    ):
        assert len(client.get(f"/fleet/?{query}").context["rows"]) == count, query


def test_the_csv_has_what_the_filters_show(
    many: list[Deployment], signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    rows = rows_of(client.get("/fleet/?environment=staging&sort=name&format=csv"))

    assert [row["deployment"] for row in rows] == [f"d-{number:02}" for number in range(1, 60, 2)]
    assert rows[0]["USD a month estimated"].rstrip("0") == "1."
    assert rows[0]["USD this month"] == "0"


def test_the_fleet_takes_the_same_queries_however_long_it_is(
    many: list[Deployment],
    signed_in: SignIn,
    lead: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = signed_in(lead)
    client.get("/fleet/")

    with django_assert_num_queries(7):
        client.get("/fleet/")
    with django_assert_num_queries(7):
        client.get("/fleet/?q=d-07")


def test_a_page_takes_the_same_queries_however_much_it_is_made_of(
    drill: Drill,
    signed_in: SignIn,
    lead: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    drill.launch(option(Tier.BEDROCK_PROVISIONED))
    drill.launch(option(Tier.SAGEMAKER_REAL_TIME), environment="staging")
    drill.run()
    client = signed_in(lead)

    for slug in ("chatbot-production", "chatbot-staging"):
        with django_assert_num_queries(10):
            client.get(f"/deployments/{slug}/")


def test_home_says_what_waits_and_what_moves(
    drill: Drill, signed_in: SignIn, lead: User, member: User
) -> None:
    drill.recommendation(option(Tier.BEDROCK_ON_DEMAND))
    waiting = text(signed_in(lead).get("/fleet/home-card/"))
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    moving = text(signed_in(lead).get("/fleet/home-card/"))

    assert "Chatbot</a> is compared and not launched." in waiting
    assert "chatbot-production</a>" in moving
    assert "not launched" not in moving


def test_a_feature_shows_where_it_runs_and_how_it_is_called(
    drill: Drill, signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    empty = text(client.get("/features/chatbot/deployments/"))
    drill.launch(option(Tier.BEDROCK_ON_DEMAND))
    drill.run()

    assert "It runs nowhere yet" in empty
    assert "chatbot-production" in text(client.get("/features/chatbot/deployments/"))
    assert "bedrock-runtime" in text(client.get("/features/chatbot/deployments-card/"))
