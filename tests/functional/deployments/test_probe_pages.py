"""Probes in the browser and over REST: the price first, the run, what it measured, who may."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from billing.usecases import prices
from deployments.adapters.pretend_prober import PretendProber
from deployments.domain.probing import Outcome
from deployments.models import Probe, ProbeSchedule
from deployments.usecases import probes, probing
from portal.access import SYSTEM, Scope
from portal.models import Feature, User
from tests.integration.deployments.drill import Drill

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Client]
Connect = Callable[..., APIClient]
NOVA = "amazon.nova-micro-v1:0"
ASKED = {
    "way": f"{NOVA}|us",
    "feature": "chatbot",
    "requests": "40",
    "input_tokens": "300",
    "output_tokens": "100",
    "most_usd": "",
}
BODY = {"feature": "chatbot", "model": NOVA, "route": "us", "requests": 40}


def text(reply: Any) -> str:
    return str(reply.content.decode())


@pytest.fixture
def paying(drill: Drill) -> Feature:
    """The chatbot with prices and 10,000 USD a month."""
    prices.load_list(now=timezone.now())
    return drill.feature


def probe(feature: Feature, **twin: Any) -> Probe:
    """Start a probe and run it to its end."""
    found = probes.start(
        actor=SYSTEM,
        feature=feature,
        wish=probes.Wish(model=NOVA, route="us", requests=12),
        now=timezone.now(),
    )
    send = PretendProber(known=frozenset({f"us.{NOVA}"}), **twin)
    probing.run(probe_id=found.pk, clock=timezone.now, send=send, pause=lambda _: None)
    found.refresh_from_db()
    return found


def test_the_price_is_seen_before_anything_is_sent(
    paying: Feature, signed_in: SignIn, lead: User
) -> None:
    reply = signed_in(lead).get("/probes/new/", ASKED)

    assert "0.00114\xa0USD" in text(reply)
    assert "at most" in text(reply)
    assert "411 input tokens" in text(reply)
    assert "Start, for" in text(reply)
    assert not Probe.objects.exists()


def test_a_way_and_a_feature_come_filled_in(paying: Feature, signed_in: SignIn, lead: User) -> None:
    reply = signed_in(lead).get("/probes/new/", {"way": f"{NOVA}|in-region", "feature": "chatbot"})
    assert reply.status_code == 200
    assert f'<option value="{NOVA}|in-region" selected>' in text(reply)
    assert "Start, for" not in text(reply)


def test_a_post_without_anything_is_refused(paying: Feature, signed_in: SignIn, lead: User) -> None:
    assert signed_in(lead).post("/probes/new/", {}).status_code == 422


def test_a_start_leads_to_the_run(paying: Feature, signed_in: SignIn, lead: User) -> None:
    client = signed_in(lead)
    reply = client.post("/probes/new/", ASKED)

    found = Probe.objects.get()
    assert reply.headers["Location"] == f"/probes/{found.pk}/"
    page = text(client.get(f"/probes/{found.pk}/"))
    assert "A worker starts within seconds." in page
    assert f'hx-get="/probes/{found.pk}/?poll=1"' in page


def test_what_is_typed_wrong_is_kept_and_explained(
    paying: Feature, signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    shapeless = client.get("/probes/new/", ASKED | {"requests": "many"})
    senseless = client.post("/probes/new/", ASKED | {"most_usd": "0.0000001"})
    assert (shapeless.status_code, senseless.status_code) == (422, 422)
    assert "Enter a whole number" in text(shapeless)
    assert "a cap below that sends nothing" in text(senseless)
    assert not Probe.objects.exists()


def test_a_second_probe_of_the_same_is_refused_on_the_form(
    paying: Feature, signed_in: SignIn, lead: User
) -> None:
    client = signed_in(lead)
    client.post("/probes/new/", ASKED)
    again = client.post("/probes/new/", ASKED)
    assert again.status_code == 409
    assert "runs already for Chat" in text(again)


def test_a_finished_run_shows_its_percentiles_with_their_bounds(
    paying: Feature, signed_in: SignIn, lead: User
) -> None:
    found = probe(paying, outcomes=[Outcome.THROTTLED])
    client = signed_in(lead)
    page = text(client.get(f"/probes/{found.pk}/"))

    assert "Confidence low: of 11 answers" in page
    assert "no upper bound" in page
    assert "<dt>Throttled</dt><dd>1</dd>" in page
    poll = client.get(f"/probes/{found.pk}/?poll=1", headers={"HX-Request": "true"})
    assert poll.status_code == 286
    assert "<html" not in text(poll)


def test_a_run_without_an_answer_shows_no_latency(
    paying: Feature, signed_in: SignIn, lead: User
) -> None:
    found = probe(paying, outcomes=[Outcome.THROTTLED] * 12)
    page = text(signed_in(lead).get(f"/probes/{found.pk}/"))
    assert "No request was answered, so there is no latency" in page
    assert "Too many requests, please wait" in page


def test_a_run_is_stopped_by_a_button_once(paying: Feature, signed_in: SignIn, lead: User) -> None:
    client = signed_in(lead)
    client.post("/probes/new/", ASKED)
    found = Probe.objects.get()
    assert ">Stop<" in text(client.get(f"/probes/{found.pk}/")).replace("</svg>", ">")

    reply = client.post(f"/probes/{found.pk}/stop/", headers={"HX-Request": "true"})

    assert "Stopping" in text(reply)
    found.refresh_from_db()
    assert found.stop_requested


def test_a_member_sees_and_starts_nothing(paying: Feature, signed_in: SignIn, member: User) -> None:
    found = probe(paying)
    client = signed_in(member)
    assert client.get(f"/probes/{found.pk}/").status_code == 200
    assert "Measure a model" not in text(client.get("/probes/"))
    assert "Start, for" not in text(client.get("/probes/new/", ASKED))
    assert client.post("/probes/new/", ASKED).status_code == 403


def test_a_stranger_finds_none_of_it(paying: Feature, signed_in: SignIn, stranger: User) -> None:
    found = probe(paying)
    client = signed_in(stranger)
    assert client.get(f"/probes/{found.pk}/").status_code == 404
    assert client.post(f"/probes/{found.pk}/stop/").status_code == 404
    assert client.get("/teams/chat/probes/").status_code == 404
    assert NOVA not in text(client.get("/probes/"))


def test_a_schedule_is_turned_on_and_off(paying: Feature, signed_in: SignIn, lead: User) -> None:
    client = signed_in(lead)
    asked = {**ASKED, "every_days": "7", "most_usd": "0.05"}
    assert "Nothing is measured by schedule." in text(client.get("/teams/chat/probes/"))

    assert client.post("/teams/chat/probes/", asked | {"most_usd": ""}).status_code == 422
    assert client.post("/teams/chat/probes/", asked).status_code == 302

    row = ProbeSchedule.objects.get()
    assert (row.every_days, row.most_usd, row.feature) == (7, Decimal("0.05"), paying)
    assert "every 7 days, 40 requests" in text(client.get("/probes/"))
    assert client.post("/teams/chat/probes/off/").status_code == 302
    assert not ProbeSchedule.objects.exists()


def test_the_list_asks_as_often_however_long_it_is(
    paying: Feature,
    signed_in: SignIn,
    lead: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    found = probe(paying)
    for _ in range(40):
        found.pk = None
        found.save()
    client = signed_in(lead)
    # Session, person and roles; the probes, the teams and their schedules; the frame's teams.
    with django_assert_num_queries(7):
        client.get("/probes/")
    with django_assert_num_queries(5):
        client.get(f"/probes/{found.pk}/")


def test_over_rest_the_plan_the_run_and_its_end_are_the_same(
    paying: Feature, api: Connect, lead: User
) -> None:
    cache.clear()
    client = api(lead)
    plan = client.post("/api/v1/probe-plans", BODY).json()
    assert Decimal(plan["most_usd"]) == Decimal("0.0011354")
    assert (plan["requests_sure"], plan["fits_budget"]) == (40, True)

    made = client.post("/api/v1/probes", BODY)
    assert made.status_code == 202
    assert (made.json()["sent"], made.json()["measured"]) == (0, {})
    path = f"/api/v1/probes/{made.json()['id']}"
    assert client.post(f"{path}/stop").status_code == 202

    probing.run(probe_id=made.json()["id"], clock=timezone.now)
    found = client.get(path).json()
    assert found["note"] == "Stopped after 0 of 40 requests."
    assert found["ended_at"] is not None
    assert [each["id"] for each in client.get("/api/v1/probes").json()["results"]] == [found["id"]]
    assert client.get("/api/v1/probes?model=other").json()["results"] == []


def test_over_rest_measured_percentiles_carry_their_bounds(
    paying: Feature, api: Connect, lead: User
) -> None:
    cache.clear()
    found = probe(paying)
    body = api(lead).get(f"/api/v1/probes/{found.pk}").json()
    assert body["measured"]["first_token_ms"]["p95"] == {"value": 400, "low": 400, "high": None}
    assert body["measured"]["confidence"].startswith("low: of 12 answers")


def test_over_rest_a_schedule_is_read_set_and_ended(
    paying: Feature, api: Connect, lead: User, moderation_team: Any
) -> None:
    cache.clear()
    client, path = api(lead), "/api/v1/teams/chat/probe-schedule"
    assert client.get(path).json()["is_on"] is False
    assert client.put(path, {"feature": "chatbot", "most_usd": "26"}).status_code == 422
    body = client.put(path, {"feature": "chatbot", "most_usd": "0.05"}).json()
    assert (body["is_on"], body["every_days"], body["requests"]) == (True, 7, 40)
    assert client.delete(path).status_code == 204
    assert client.get(path).json()["feature"] is None


def test_over_rest_a_reading_key_starts_nothing_and_a_stranger_finds_nothing(
    paying: Feature, api: Connect, lead: User, stranger: User
) -> None:
    cache.clear()
    found = probe(paying)
    reader = api(lead, scopes=(Scope.READ,))
    assert reader.post("/api/v1/probes", BODY).status_code == 403
    assert reader.put("/api/v1/teams/chat/probe-schedule", {}).status_code in (403, 422)
    foreign = api(stranger)
    assert foreign.post("/api/v1/probes", BODY).status_code == 404
    assert foreign.get(f"/api/v1/probes/{found.pk}").status_code == 404
    assert foreign.put("/api/v1/teams/chat/probe-schedule", BODY).status_code == 404
    assert foreign.get("/api/v1/probes").json()["results"] == []
