"""The cascade over REST, as a pipeline would use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from billing.usecases import prices
from cascade import tasks
from cascade.models import Alert, Cascade, VirtualKey
from portal.access import Scope
from portal.models import Feature, User
from tests.functional.portal.cascade_world import answered
from tests.integration.cascade.test_runs import lines

Connect = Callable[..., APIClient]
HERE = "/api/v1/cascades/chatbot-production-cascade"


@pytest.fixture
def now(db: None) -> datetime:
    """This moment, with prices in force: REST reads the clock."""
    cache.clear()
    moment = timezone.now()
    prices.load_list(now=moment)
    return moment


@pytest.fixture
def client(now: datetime, feature: Feature, lead: User, api: Connect) -> APIClient:
    """The lead's client, with the chatbot's cascade made."""
    client = api(lead)
    made = client.post("/api/v1/cascades", {"feature": "chatbot", "environment": "production"})
    assert made.status_code == 201, made.content
    assert made.json()["live"] is None
    assert made.json()["has_draft"] is True
    return client


@pytest.fixture
def live(client: APIClient) -> APIClient:
    """The same with the first policy live."""
    assert client.post(f"{HERE}/policies", {"note": "first"}).json()["number"] == 1
    assert client.post(f"{HERE}/rollouts", {"step": "live", "policy": 1}).status_code == 201
    return client


def upload(client: APIClient) -> int:
    """Upload trials whose models stand for the draft's stages, and return the file's id."""
    stages = client.get(f"{HERE}/policies/1").json()["body"]["stages"]
    models = [stage["target"]["model"] for stage in stages]
    made = client.post(
        f"{HERE}/uploads",
        {
            "file": SimpleUploadedFile("support.jsonl", lines(400)),
            "names": json.dumps(dict(zip(("weak", "fair", "strong"), models, strict=True))),
        },
        format="multipart",
    )
    assert made.status_code == 201, made.content
    assert made.json()["models"] == sorted(models)
    return int(made.json()["id"])


def test_a_policy_goes_from_draft_to_live_and_back(live: APIClient) -> None:
    file = upload(live)
    body = deepcopy(live.get(f"{HERE}/policies/1").json()["body"])
    body["stages"][0]["threshold"] = 0.6
    draft = live.put(f"{HERE}/draft", {"body": body, "edition": 0})
    assert draft.json()["edition"] == 1
    refused = live.post(f"{HERE}/policies", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "not-replayed")
    cascade = {"cascade": "chatbot-production-cascade"}
    replay = live.post("/api/v1/replays", {**cascade, "upload": file})
    assert replay.status_code == 202
    assert tasks.run_replay(replay_id=replay.json()["id"]) == "done"
    done = live.get(f"/api/v1/replays/{replay.json()['id']}").json()
    assert (done["state"], done["result"]["trials"]) == ("done", 400)
    assert live.post(f"{HERE}/policies", {}).json()["replay"] == done["id"]
    canary = live.post(f"{HERE}/rollouts", {"step": "canary", "policy": 2, "share": 0.05})
    assert canary.json()["canary"] == 2
    assert live.get(HERE).json()["canary_share"] == 0.05
    assert live.post(f"{HERE}/rollouts", {"step": "live", "policy": 2}).json()["live"] == 2
    back = live.post(f"{HERE}/rollouts", {"step": "rollback", "policy": 1, "why": "dearer"})
    assert back.json()["live"] == 1
    steps = [row["step"] for row in live.get(f"{HERE}/rollouts").json()["results"]]
    assert steps == ["rollback", "live", "canary", "live"]


def test_whether_earlier_answers_count_is_kept_and_nothing_else_taken_for_it(
    live: APIClient,
) -> None:
    body = deepcopy(live.get(f"{HERE}/policies/1").json()["body"])
    assert body["hears_earlier"] is True, "suggested where there are three stages"
    kept = live.put(f"{HERE}/draft", {"body": {**body, "hears_earlier": False}, "edition": 0})
    assert kept.json()["body"]["hears_earlier"] is False
    del body["hears_earlier"]
    old = live.put(f"{HERE}/draft", {"body": body, "edition": 1})
    assert old.json()["body"]["hears_earlier"] is False
    refused = live.put(f"{HERE}/draft", {"body": {**body, "hears_earlier": "yes"}, "edition": 2})
    assert refused.status_code == 422
    assert refused.json()["fields"] == {"hears_earlier": "This is true or false."}


def test_a_calibration_becomes_the_draft(live: APIClient) -> None:
    asked = {
        "cascade": "chatbot-production-cascade", "upload": upload(live), "quality": 0.85
    }  # fmt: skip
    made = live.post("/api/v1/calibrations", asked)
    assert made.status_code == 202, made.content
    tasks.run_calibration(calibration_id=made.json()["id"])
    found = live.get(f"/api/v1/calibrations/{made.json()['id']}").json()
    assert found["state"] == "done", found["words"]
    applied = live.post(f"/api/v1/calibrations/{found['id']}/apply")
    assert applied.status_code == 201
    assert applied.json()["body"] == live.get(f"{HERE}/draft").json()["body"]


def test_a_faulty_policy_is_told_field_by_field(live: APIClient) -> None:
    body = live.get(f"{HERE}/policies/1").json()["body"]
    body["stages"][2]["target"]["address"] = "us.unknown"
    body["fallback"] = "pray"
    refused = live.put(f"{HERE}/draft", {"body": body})
    assert refused.status_code == 422
    assert list(refused.json()["fields"]) == ["fallback"]
    body["fallback"] = "best"
    refused = live.put(f"{HERE}/draft", {"body": body})
    assert list(refused.json()["fields"]) == ["stages.2.target.model"]


def test_a_secret_is_shown_once_even_when_asked_again_with_the_same_key(live: APIClient) -> None:
    head = {"HTTP_IDEMPOTENCY_KEY": "once"}
    first = live.post(f"{HERE}/keys", {"name": "web", "monthly_usd": "5"}, **head)
    again = live.post(f"{HERE}/keys", {"name": "web", "monthly_usd": "5"}, **head)
    assert first.json()["secret"].startswith("slwk_")
    assert (again.status_code, again.json()["secret"]) == (201, None)
    assert VirtualKey.objects.count() == 1
    prefix = first.json()["prefix"]
    assert live.post(f"{HERE}/keys/{prefix}/revoke").status_code == 204
    assert live.get(f"{HERE}/keys").json()["results"][0]["revoked_at"] is not None


def test_a_limit_is_set_shown_and_lifted(live: APIClient) -> None:
    assert live.put(f"{HERE}/limit", {"monthly_usd": "12.5"}).json()["monthly_usd"] == "12.500000"
    assert live.get(f"{HERE}/limit").json() == {"monthly_usd": "12.500000"}
    assert live.put(f"{HERE}/limit", {"monthly_usd": None}).json()["monthly_usd"] is None
    assert live.put(f"{HERE}/limit", {"monthly_usd": "-1"}).status_code == 422


def test_what_was_logged_is_exported_as_it_can_be_uploaded(live: APIClient) -> None:
    cascade = Cascade.objects.select_related("feature__team").get()
    answered(cascade, key="k", now=timezone.now())
    reply = live.get(f"{HERE}/trials/export")
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    body = b"".join(reply)  # type: ignore[arg-type]
    (line,) = body.splitlines()
    assert json.loads(line)["prompt"] == "Where is my parcel?"
    made = live.post(
        f"{HERE}/uploads", {"file": SimpleUploadedFile("again.jsonl", body)}, format="multipart"
    )
    assert made.json()["trials"] == 1
    assert live.get(f"{HERE}/trials/export?days=0").status_code == 422


def test_alerts_are_listed_and_closed(live: APIClient) -> None:
    row = Alert.objects.create(
        cascade=Cascade.objects.get(), kind="drift", sentence="Longer.", at=timezone.now()
    )
    (listed,) = live.get("/api/v1/alerts?open=true").json()["results"]
    assert listed["sentence"] == "Longer."
    closed = live.post(f"/api/v1/alerts/{row.pk}/close").json()
    assert closed["closed_by"]
    assert live.get("/api/v1/alerts?open=true").json()["results"] == []
    assert live.get("/api/v1/alerts?open=perhaps").status_code == 422


def test_a_key_that_only_reads_changes_nothing(live: APIClient, lead: User, api: Connect) -> None:
    reader = api(lead, scopes=(Scope.READ,))
    assert reader.get(HERE).status_code == 200
    assert reader.get(f"{HERE}/live").json()["whole"]["requests"] == 0
    slug = "chatbot-production-cascade"
    posts: dict[str, Any] = {
        "/api/v1/cascades": {"feature": "chatbot", "environment": "staging"},
        f"{HERE}/retire": {},
        f"{HERE}/policies": {},
        f"{HERE}/rollouts": {"step": "stop"},
        f"{HERE}/keys": {"name": "web"},
        f"{HERE}/keys/nobody/revoke": {},
        "/api/v1/replays": {"cascade": slug},
        "/api/v1/calibrations": {"cascade": slug},
    }
    refused = {path: reader.post(path, body).status_code for path, body in posts.items()}
    assert set(refused.values()) == {403}, refused
    body = live.get(f"{HERE}/policies/1").json()["body"]
    assert reader.put(f"{HERE}/draft", {"body": body}).status_code == 403
    assert reader.put(f"{HERE}/limit", {"monthly_usd": None}).status_code == 403
    assert reader.delete(f"{HERE}/draft").status_code == 403


def test_another_team_finds_nothing(live: APIClient, stranger: User, api: Connect) -> None:
    other = api(stranger)
    for path in ("", "/live", "/draft", "/policies", "/rollouts", "/keys", "/trials", "/review"):
        assert other.get(f"{HERE}{path}").status_code == 404, path
    assert other.get("/api/v1/cascades").json()["results"] == []
    assert other.post(f"{HERE}/retire").status_code == 404
    asked = {"cascade": "chatbot-production-cascade"}
    assert other.post("/api/v1/replays", asked).status_code == 404


def test_wrong_files_and_fields_are_refused_in_words(live: APIClient) -> None:
    wrong = {"file": SimpleUploadedFile("x", b"\x00\x01"), "names": "[]", "more": "1"}
    refused = live.post(f"{HERE}/uploads", wrong, format="multipart")
    assert refused.status_code == 422
    assert live.post(f"{HERE}/uploads", {}, format="multipart").status_code == 422
    assert live.get(f"{HERE}/trials?status=gone").status_code == 422
    assert live.get(f"{HERE}/trials?policy=0").status_code == 422
    assert live.get(f"{HERE}/live?hours=9999").status_code == 422
