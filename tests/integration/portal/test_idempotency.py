"""Idempotency-Key: asked twice, done once, answered alike; also in a race, also after a crash."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.models import ApiKey, Feature, IdempotentReply, Team, User
from portal.rest.idempotency import KEPT_FOR, LOST_AFTER, SWEEP_EVERY

Connect = Callable[..., APIClient]


def _register(client: APIClient, *, key: str = "k1", slug: str = "replies", **more: Any) -> Any:
    body = {"team": "chat", "slug": slug, "name": "Replies", **more}
    return client.post("/api/v1/features", body, headers={"Idempotency-Key": key})


def test_asked_twice_done_once_answered_alike(api: Connect, lead: User) -> None:
    client = api(lead)
    first, second = _register(client), _register(client)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Feature.objects.count() == 1


def test_a_refusal_is_repeated_word_for_word(api: Connect, lead: User) -> None:
    client = api(lead)
    first, second = _register(client, slug="No"), _register(client, slug="No")
    assert (first.status_code, second.status_code) == (422, 422)
    assert second.json() == first.json()
    assert second.headers["Content-Type"] == "application/problem+json"


def test_another_request_with_the_same_key_is_refused(api: Connect, lead: User) -> None:
    client = api(lead)
    _register(client)
    other_body = _register(client, slug="other")
    other_path = client.post("/api/v1/teams", {}, headers={"Idempotency-Key": "k1"})
    for reply in (other_body, other_path):
        assert reply.status_code == 422
        assert reply.json()["code"] == "idempotency-key-reused"
    assert Feature.objects.count() == 1


def test_a_key_belongs_to_who_used_it(api: Connect, lead: User, stranger: User) -> None:
    _register(api(lead))
    reply = _register(api(stranger))
    assert reply.status_code == 404
    assert "Idempotent-Replayed" not in reply.headers


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_key_that_is_no_key_is_refused(key: str, api: Connect, lead: User) -> None:
    reply = _register(api(lead), key=key)
    assert reply.status_code == 422
    assert "1 to 200" in reply.json()["detail"]
    assert not Feature.objects.exists()


def test_a_revoked_key_gets_no_answer_again(api: Connect, lead: User) -> None:
    client = api(lead)
    _register(client)
    ApiKey.objects.update(revoked_at=timezone.now())
    assert _register(client).status_code == 401


def test_nobody_leaves_nothing_behind(lead: User) -> None:
    assert _register(APIClient()).status_code == 401
    assert not IdempotentReply.objects.exists()


def test_a_secret_is_not_in_the_second_answer_nor_in_the_database(
    signed_in: Callable[[User], Client], lead: User
) -> None:
    browser = signed_in(lead)
    body = {
        "name": "pipeline",
        "scopes": ["read"],
        "expires_at": (timezone.now() + timedelta(days=1)).isoformat(),
    }
    ask = {"content_type": "application/json", "headers": {"Idempotency-Key": "k1"}}
    first = browser.post("/api/v1/api-keys", body, **ask)
    second = browser.post("/api/v1/api-keys", body, **ask)
    secret = first.json()["secret"]
    assert secret.startswith("slw_")
    assert (second.status_code, second.json()["secret"]) == (201, None)
    assert second.json()["prefix"] == first.json()["prefix"]
    assert secret not in str(IdempotentReply.objects.values_list())


def test_an_answer_that_was_never_recorded_blocks_for_a_while_and_not_for_ever(
    api: Connect, lead: User
) -> None:
    client = api(lead)
    _register(client)
    Feature.objects.all().delete()
    IdempotentReply.objects.update(status=None, body=None)
    busy = _register(client)
    assert (busy.status_code, busy.json()["code"]) == (409, "still-running")
    assert busy.headers["Retry-After"] == "1"
    IdempotentReply.objects.update(created_at=timezone.now() - LOST_AFTER)
    assert _register(client).status_code == 201
    assert _register(client).headers["Idempotent-Replayed"] == "true"


def test_an_answer_without_a_body_is_repeated_without_one(
    signed_in: Callable[[User], Client], lead: User, api: Connect
) -> None:
    api(lead)
    prefix = ApiKey.objects.get().prefix
    browser = signed_in(lead)
    for _ in range(2):
        reply = browser.post(f"/api/v1/api-keys/{prefix}/revoke", headers={"Idempotency-Key": "k1"})
        assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["Idempotent-Replayed"] == "true"


def test_what_was_refused_for_asking_too_often_may_be_asked_again(
    api: Connect, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(lead)
    monkeypatch.setattr("portal.rest.throttling.PerKey.rate", "1/min", raising=False)
    cache.clear()
    assert client.get("/api/v1/me").status_code == 200
    limited = _register(client)
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    cache.clear()
    assert _register(client).status_code == 201


def test_old_answers_go_when_new_ones_come(api: Connect, lead: User) -> None:
    client = api(lead)
    _register(client)
    old = timezone.now() - KEPT_FOR - timedelta(seconds=1)
    IdempotentReply.objects.update(created_at=old)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('portal_idempotentreply', 'id'), %s)",
            [100 * SWEEP_EVERY - 1],
        )
    _register(client, key="k2", slug="second")
    assert list(IdempotentReply.objects.values_list("key", flat=True)) == ["k2"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_does_the_work(api: Connect, lead: User, chat_team: Team) -> None:
    many = 6
    clients = [api(lead)] * many
    together = Barrier(many)

    def ask(client: APIClient) -> Any:
        try:
            together.wait(timeout=20)
            return _register(client)
        finally:
            connection.close()

    with ThreadPoolExecutor(many) as pool:
        replies = list(pool.map(ask, clients))
    assert Feature.objects.count() == 1
    worked = [
        reply
        for reply in replies
        if reply.status_code == 201 and "Idempotent-Replayed" not in reply.headers
    ]
    others = {
        (reply.status_code, reply.json().get("code")) for reply in replies if reply not in worked
    }
    assert len(worked) == 1
    assert others <= {(201, None), (409, "still-running")}
