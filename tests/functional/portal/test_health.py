"""Health for load balancers: no sign-in, no secrets."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test import Client

from portal.celery import app


def test_a_living_process_says_so_without_touching_the_database(
    client: Client, django_assert_num_queries: object, db: None
) -> None:
    with django_assert_num_queries(0):
        reply = client.get("/health/live/")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    assert "no-store" in reply.headers["Cache-Control"]


def test_ready_names_each_thing_that_is_there(client: Client, db: None) -> None:
    reply = client.get("/health/ready/")
    assert reply.status_code == 200
    checks = {"database": True, "migrations": True, "broker": True}
    assert reply.json() == {"status": "ok", "checks": checks}


def test_a_broker_out_of_reach_is_not_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:9/0")
    reply = client.get("/health/ready/")
    assert reply.status_code == 503
    assert reply.json()["checks"]["broker"] is False
    assert "127.0.0.1" not in reply.content.decode()


def test_a_missing_migration_is_not_ready(client: Client, db: None) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'billing'")
    reply = client.get("/health/ready/")
    assert (reply.status_code, reply.json()["checks"]["migrations"]) == (503, False)
