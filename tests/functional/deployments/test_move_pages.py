"""Moves in the browser and over REST: ranked, explained, taken up at the launch, dismissed."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from deployments.models import Move
from portal.access import Scope
from portal.models import AuditEvent, Feature, User
from tests.functional.portal.world import World, build

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Client]
Connect = Callable[..., APIClient]


def text(reply: Any) -> str:
    return str(reply.content.decode())


@pytest.fixture
def world(feature: Feature, lead: User) -> World:
    return build(feature=feature, lead=lead)


def more(world: World, count: int) -> None:
    """Let other features have moves too, each saving less than the one before."""
    for number in range(count):
        feature = Feature.objects.create(
            team=world.feature.team,
            slug=f"feature-{number}",
            name=f"Feature {number}",
            created_at=world.feature.created_at,
        )
        Move.objects.create(
            feature=feature,
            recommendation=world.recommendation,
            made_at=timezone.now() - timedelta(minutes=number),
            saving_usd=1000 - number,
            risk=1 + number % 5,
            body=world.move.body,
        )


def test_a_move_says_what_it_saves_why_and_what_could_go_wrong(
    world: World, signed_in: SignIn, lead: User
) -> None:
    page = text(signed_in(lead).get("/moves/"))

    for sentence in (*world.move.body["reasons"], *world.move.body["risks"]):
        assert escape(sentence) in page
    assert f"{world.move.risk} of 5" in page
    assert "See the launch" in page
    assert "The load is the stated one" in page


def test_it_is_taken_up_at_the_launch_of_its_option_where_nothing_runs_yet(
    world: World, signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    page = text(client.get("/moves/"))
    address = page.split('href="/features/chatbot/launch/')[1].split('"')[0].replace("&amp;", "&")
    assert "environment=staging" in address

    preview = client.get(f"/features/chatbot/launch/{address}")

    assert preview.status_code == 200
    assert "chatbot-staging" in text(preview)


def test_a_dismissed_move_is_gone_and_leaves_a_trace(
    world: World, signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    reply = client.post(f"/moves/{world.move.pk}/dismiss/")

    assert reply.headers["Location"] == "/moves/"
    assert "Nothing should change" in text(client.get("/moves/"))
    assert AuditEvent.objects.filter(verb="dismiss-move").count() == 1
    assert client.post(f"/moves/{world.move.pk}/dismiss/").status_code == 409


def test_a_member_reads_and_a_stranger_finds_nothing(
    world: World, signed_in: SignIn, member: User, stranger: User
) -> None:
    insider, outsider = signed_in(member), signed_in(stranger)
    path = f"/moves/{world.move.pk}/dismiss/"
    assert "Dismiss" not in text(insider.get("/moves/"))
    assert insider.post(path).status_code == 403
    assert "Nothing should change" in text(outsider.get("/moves/"))
    assert outsider.post(path).status_code == 404
    assert outsider.get("/features/chatbot/moves-card/").status_code == 404
    assert Move.objects.get().answered_at is None


def test_those_that_save_most_come_first_and_risk_sorts_too(
    world: World, signed_in: SignIn, lead: User
) -> None:
    more(world, 6)
    client = signed_in(lead)

    def order(query: str) -> list[str]:
        lines = b"".join(client.get(f"/moves/{query}").streaming_content).decode().splitlines()
        return [row["feature"] for row in csv.DictReader(lines) if row["feature"] != "chatbot"]

    assert order("?format=csv") == [f"feature-{each}" for each in range(6)]
    assert order("?format=csv&sort=saving") == [f"feature-{each}" for each in reversed(range(6))]
    assert order("?format=csv&sort=-risk")[0] == "feature-4"
    assert order("?format=csv&sort=nonsense") == order("?format=csv")


def test_the_cards_count_what_waits(world: World, signed_in: SignIn, lead: User) -> None:
    more(world, 4)
    client = signed_in(lead)
    home = text(client.get("/moves/home-card/"))
    card = text(client.get("/features/chatbot/moves-card/"))
    assert ">5<" in home.replace("\n", "")
    assert "Chatbot" in home or "Feature 0" in home
    assert "Should it change" in card
    assert "See the launch" in card
    assert "moves/home-card/" in text(client.get("/"))
    assert "moves-card/" in text(client.get("/features/chatbot/"))


def test_the_page_asks_as_often_however_many_moves_there_are(
    world: World,
    signed_in: SignIn,
    lead: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    more(world, 40)
    client = signed_in(lead)
    # Session, person and roles; the moves, where each could run, and the frame's teams.
    with django_assert_num_queries(6):
        client.get("/moves/")
    with django_assert_num_queries(6):
        client.get("/moves/home-card/")


def test_over_rest_a_move_is_read_and_dismissed(world: World, api: Connect, lead: User) -> None:
    cache.clear()
    more(world, 2)
    client = api(lead)
    listed = client.get("/api/v1/moves").json()["results"]
    mine = client.get("/api/v1/moves?feature=chatbot").json()["results"]

    savings = [float(each["saving_usd"]) for each in listed]
    assert savings == sorted(savings, reverse=True)
    assert [each["id"] for each in mine] == [world.move.pk]
    assert mine[0]["running"]["option"] == "sagemaker-real-time/somewhere-dear"
    assert mine[0]["to"]["option"] == world.recommendation.launch_pick
    assert mine[0]["load"]["is_metered"] is False

    path = f"/api/v1/moves/{world.move.pk}"
    assert client.post(f"{path}/dismiss").json()["answer"] == "dismissed"
    assert client.get(path).json()["answered_by"].startswith(str(lead))
    again = client.post(f"{path}/dismiss")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert client.get("/api/v1/moves?feature=chatbot").json()["results"] == []


def test_over_rest_only_who_may_launch_dismisses(
    world: World, api: Connect, lead: User, member: User, stranger: User
) -> None:
    cache.clear()
    path = f"/api/v1/moves/{world.move.pk}"
    assert api(member).post(f"{path}/dismiss").status_code == 403
    assert api(lead, scopes=(Scope.READ,)).post(f"{path}/dismiss").status_code == 403
    assert api(stranger).post(f"{path}/dismiss").status_code == 404
    assert api(stranger).get(path).status_code == 404
    assert api(stranger).get("/api/v1/moves").json()["results"] == []
