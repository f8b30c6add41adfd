"""Pages ask the database so many questions, however many rows there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from portal.models import ApiKey, AuditEvent, Feature, Membership, Team, User

# Session, user and memberships are three of them; the team switch of the frame is one.
PAGES = {
    "/": 6,
    "/features/": 6,
    "/features/feature-7/": 5,
    "/features/feature-7/activity/": 7,
    "/activity/": 5,
    "/search/?q=feature": 6,
    "/settings/teams/": 5,
    "/settings/teams/chat/": 6,
    "/settings/members/": 5,
    "/settings/keys/": 5,
    "/api/docs/": 4,
}
# The key with its person, the note of its use, the person's memberships, and the answer's own.
RESOURCES = {
    "/api/v1/me": 4,
    "/api/v1/teams": 4,
    "/api/v1/teams/chat/members": 5,
    "/api/v1/roles": 4,
    "/api/v1/features?limit=50": 4,
    "/api/v1/features/feature-7": 4,
    "/api/v1/api-keys": 4,
    "/api/v1/activity": 4,
}


@pytest.fixture
def crowd(chat_team: Team, lead: User, noon: datetime) -> Team:
    """Sixty of everything."""
    Feature.objects.bulk_create(
        Feature(team=chat_team, slug=f"feature-{n}", name=f"Feature {n}", created_at=noon)
        for n in range(60)
    )
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=noon,
            actor="lead",
            team=chat_team,
            verb="do",
            subject=f"feature:feature-{n % 9}",
            sentence="Did something.",
        )
        for n in range(60)
    )
    users = User.objects.bulk_create(
        User(username=f"u{n}", email=f"u{n}@content-ai.example") for n in range(60)
    )
    Membership.objects.bulk_create(
        Membership(user=user, team=chat_team, role="member", created_at=noon) for user in users
    )
    ApiKey.objects.bulk_create(
        ApiKey(
            user=lead,
            name="k",
            prefix=f"{n:08}",
            secret_sha256=f"{n:064}",
            scopes=["read"],
            created_at=noon,
            expires_at=noon + timedelta(days=1),
        )
        for n in range(60)
    )
    return chat_team


def _queries(client: Client | APIClient, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(path).status_code == 200
    return len([one for one in asked if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))])


def test_pages_ask_so_many_questions(
    crowd: Team, signed_in: Callable[[User], Client], lead: User
) -> None:
    browser = signed_in(lead)
    browser.get("/")
    assert {path: _queries(browser, path) for path in PAGES} == PAGES


def test_resources_ask_so_many_questions(
    crowd: Team, api: Callable[..., APIClient], lead: User
) -> None:
    cache.clear()
    ApiKey.objects.all().delete()
    client = api(lead)
    client.get("/api/v1/me")
    assert {path: _queries(client, path) for path in RESOURCES} == RESOURCES
