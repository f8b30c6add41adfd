"""REST of the portal app: the same use cases, with keys, scopes, cursors and problems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.access import Scope
from portal.models import ApiKey, Feature, Membership, Team, User

Connect = Callable[..., APIClient]
SignIn = Callable[[User], Client]


def test_a_key_says_who_it_is(api: Connect, lead: User) -> None:
    me = api(lead, scopes=(Scope.READ, Scope.ADVISE)).get("/api/v1/me").json()
    assert me == {
        "name": "lead@content-ai.example (key tests)",
        "roles": [],
        "teams": {"chat": "lead"},
        "scopes": ["advise", "read"],
    }


def test_a_feature_is_registered_read_changed_and_listed(api: Connect, member: User) -> None:
    client = api(member)
    body = {"team": "chat", "slug": "replies", "name": "Replies", "data_class": "confidential"}
    made = client.post("/api/v1/features", body)
    assert made.status_code == 201
    assert made.json() | body == made.json()
    assert client.get("/api/v1/features/replies").json() == made.json()
    changed = client.patch("/api/v1/features/replies", {"description": "Short ones."})
    assert changed.json() == made.json() | {"description": "Short ones."}
    assert client.get("/api/v1/features").json()["results"] == [changed.json()]
    verbs = [row["verb"] for row in client.get("/api/v1/activity").json()["results"]]
    assert verbs[:2] == ["change", "register"]


def test_teams_and_members_over_rest(api: Connect, platform_engineer: User, stranger: User) -> None:
    client = api(platform_engineer)
    assert client.post("/api/v1/teams", {"slug": "search", "name": "Search"}).status_code == 201
    role = {"email": stranger.email, "role": "lead"}
    assert client.post("/api/v1/teams/search/members", role).status_code == 201
    listed = client.get("/api/v1/teams/search/members").json()["results"]
    assert [(row["email"], row["role"]) for row in listed] == [(stranger.email, "lead")]
    last = client.post("/api/v1/teams/search/members/remove", {"email": stranger.email})
    assert (last.status_code, last.json()["code"]) == (409, "last-lead")


def test_roles_and_invitations_over_rest(
    api: Connect, platform_engineer: User, member: User
) -> None:
    client = api(platform_engineer)
    role = {"email": member.email, "role": "finance"}
    assert client.post("/api/v1/roles", role).json()["team"] is None
    assert client.post("/api/v1/roles/withdraw", role).status_code == 204
    assert not Membership.objects.filter(user=member, team=None).exists()
    invited = client.post("/api/v1/invitations", {"email": "ada@a.example", "name": "Ada"})
    assert invited.status_code == 201
    assert invited.json()["link"].startswith("http://127.0.0.1:8000/accounts/password/reset/key/")


def test_keys_are_made_in_a_session_with_its_token_and_not_by_keys(
    api: Connect, lead: User
) -> None:
    body = {
        "name": "pipeline",
        "scopes": ["read"],
        "expires_at": (timezone.now() + timedelta(days=1)).isoformat(),
    }
    assert api(lead).post("/api/v1/api-keys", body).status_code == 403
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    ask = {"content_type": "application/json"}
    refused = browser.post("/api/v1/api-keys", body, **ask)
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    browser.get("/settings/keys/")
    token = browser.cookies["slipway_csrf"].value
    made = browser.post("/api/v1/api-keys", body, headers={"X-CSRFToken": token}, **ask)
    assert made.status_code == 201
    listed = browser.get("/api/v1/api-keys")
    assert "secret" not in listed.content.decode().replace("secret_sha256", "secret")
    key = APIClient()
    key.credentials(HTTP_AUTHORIZATION=f"Bearer {made.json()['secret']}")
    assert key.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer slw_x_y", "Basic bGVhZDpsZWFk", "slw_x_y", "Bearer \u00fc"],
)
def test_a_wrong_key_is_401_with_a_way_out(header: str, lead: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    reply = client.get("/api/v1/me")
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="slipway"'
    assert reply.json()["code"] == "not-signed-in"


@pytest.mark.parametrize("change", ["expires_at", "revoked_at"])
def test_an_ended_key_opens_nothing(change: str, api: Connect, lead: User) -> None:
    client = api(lead)
    assert client.get("/api/v1/me").status_code == 200
    ApiKey.objects.update(**{change: timezone.now()})
    assert client.get("/api/v1/me").status_code == 401


def test_a_key_that_may_only_read_changes_nothing(
    api: Connect, lead: User, feature: Feature
) -> None:
    client = api(lead, scopes=(Scope.READ,))
    body = {"team": "chat", "slug": "replies", "name": "Replies"}
    refused = client.post("/api/v1/features", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    assert "scope advise" in refused.json()["detail"]
    assert client.patch("/api/v1/features/chatbot", {"name": "X"}).status_code == 403
    assert client.get("/api/v1/features/chatbot").status_code == 200


def test_use_of_a_key_is_noted_at_most_once_a_minute(api: Connect, lead: User) -> None:
    client = api(lead)
    client.get("/api/v1/me")
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    client.get("/api/v1/me")
    assert ApiKey.objects.get().last_used_at == first


def test_lists_come_in_pages_with_working_links(
    api: Connect, lead: User, chat_team: Team, noon: datetime
) -> None:
    Feature.objects.bulk_create(
        Feature(team=chat_team, slug=f"f-{n}", name=f"F {n}", created_at=noon) for n in range(7)
    )
    client = api(lead)
    first = client.get("/api/v1/features?limit=3&team=chat").json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    slugs = [row["slug"] for page in (first, second, third) for row in page["results"]]
    assert sorted(slugs) == sorted(f"f-{n}" for n in range(7))
    assert (first["previous"], third["next"]) == (None, None)
    assert "team=chat" in first["next"]
    assert client.get(third["previous"]).json()["results"] == second["results"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "cursor=x"])
def test_a_page_that_cannot_be_is_refused(query: str, api: Connect, lead: User) -> None:
    reply = api(lead).get(f"/api/v1/features?{query}")
    assert reply.status_code == 422
    assert set(reply.json()["fields"]) == {query.split("=")[0]}


def test_too_many_requests_are_told_when_to_come_back(
    api: Connect, lead: User, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    monkeypatch.setattr("portal.rest.throttling.PerKey.rate", "3/min", raising=False)
    one, other = api(lead), api(member)
    statuses = [one.get("/api/v1/me").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    limited = one.get("/api/v1/me")
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    assert limited.headers["Content-Type"] == "application/problem+json"
    assert limited.json()["code"] == "too-many-requests"
    assert other.get("/api/v1/me").status_code == 200
    cache.clear()


def test_every_refusal_is_a_problem_with_the_same_names(api: Connect, lead: User) -> None:
    client = api(lead)
    replies: list[Any] = [
        client.get("/api/v1/features/nothing"),
        client.get("/api/v1/nothing"),
        client.delete("/api/v1/me"),
        client.get("/api/v1/me", headers={"Accept": "text/html"}),
        client.post("/api/v1/features", "x=1", content_type="application/x-www-form-urlencoded"),
        APIClient().get("/api/v1/me"),
    ]
    assert [reply.status_code for reply in replies] == [404, 404, 405, 406, 415, 401]
    for reply in replies:
        body = reply.json()
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert body["status"] == reply.status_code
        assert body["type"] == f"slipway:{body['code']}"
        assert body["detail"]
        assert body["title"]


def test_every_answer_says_it_may_not_be_kept_or_framed(api: Connect, lead: User) -> None:
    reply = api(lead).get("/api/v1/me")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert "Authorization" in reply.headers["Vary"]
    assert reply.headers["Cache-Control"] == "no-store"
