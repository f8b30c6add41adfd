"""Workloads over REST: the week, the burst, and a trace in three wrappings."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from billing.usecases import prices as price_usecases
from deployments.models import WorkloadRow
from portal.access import Scope
from portal.models import Feature, User
from tests.functional.deployments.test_workload_pages import a_day, upload
from tests.unit.deployments.advice_facts import PLAIN

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/v1/features/chatbot/workloads"
OFFICE = [5 if 8 <= hour < 18 else 1 for hour in range(24)]


@pytest.fixture
def client(api: Callable[..., APIClient], member: User) -> APIClient:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    return api(member)


def send(client: APIClient, content: bytes, kind: str = "text/csv", **more: Any) -> Any:
    return client.generic("POST", f"{PATH}/from-trace", content, content_type=kind, **more)


def test_a_week_a_burst_and_a_cached_share_are_kept(client: APIClient, feature: Feature) -> None:
    asked = PLAIN | {"peak_rps": 50, "weekly_profile": OFFICE, "burst_rps": "80.5"}

    reply = client.post(PATH, asked | {"cached_input_share": 0.25})

    body = reply.json()["body"]
    assert reply.status_code == 201, reply.json()
    assert len(body["weekly_profile"]) == 168
    assert body["burst"] == {"rps": "80.5", "seconds": 10}
    assert body["cached_input_share"] == "0.25"
    assert any("25 % of the input" in sentence for sentence in reply.json()["sentences"])


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"weekly_profile": [1, 2]}, "weekly_profile", "168 or 24"),
        ({"weekly_profile": [1] * 1000}, "weekly_profile", "168"),
        ({"weekly_profile": "1,2"}, "weekly_profile", "list"),
        ({"weekly_profile": [{}] * 24}, "weekly_profile.0", "number"),
        ({"burst_rps": 1, "peak_rps": 40}, "burst_rps", "below the peak"),
        ({"burst_seconds": 0, "burst_rps": 99}, "burst_seconds", "between 1 and 60"),
        ({"cached_input_share": 2}, "cached_input_share", "between 0 and 1"),
    ],
)
def test_a_week_that_cannot_be_is_a_problem(
    client: APIClient, feature: Feature, changes: dict[str, Any], field: str, words: str
) -> None:
    reply = client.post(PATH, PLAIN | changes)

    assert reply.status_code == 422
    assert words in reply.json()["fields"][field]


@pytest.mark.parametrize(
    ("content", "kind"), [(a_day(), "text/csv"), (gzip.compress(a_day()), "application/gzip")]
)
def test_a_trace_changes_the_load_of_the_newest_workload(
    client: APIClient, feature: Feature, content: bytes, kind: str
) -> None:
    client.post(PATH, PLAIN | {"latency_ms": 1234, "notes": "Night shift."})

    reply = send(client, content, kind)

    found = reply.json()
    assert reply.status_code == 201, found
    assert found["workload"]["version"] == 2
    assert found["workload"]["body"]["latency_ms"] == 1234
    assert found["workload"]["body"]["notes"] == "Night shift."
    assert found["workload"]["body"]["mean_rps"] == found["measured"]["mean_rps"]
    assert found["measured"]["hours_seen"] == 24
    assert "less than a week" in found["measured"]["notes"][0]
    assert len(found["proposed"]["weekly_profile"]) == 168


def test_a_preview_keeps_nothing_and_its_proposal_can_be_posted(
    client: APIClient, feature: Feature
) -> None:
    form = {"trace": upload(a_day()), "latency_ms": "2000", "assumptions": "One\nTwo"}

    seen = client.post(f"{PATH}/from-trace?preview=true&one_in=10", form, format="multipart")

    assert seen.status_code == 200, seen.json()
    assert seen.json()["workload"] is None
    assert seen.json()["proposed"]["assumptions"][:2] == ["One", "Two"]
    assert not WorkloadRow.objects.exists()
    proposed = {name: value for name, value in seen.json()["proposed"].items() if value != ""}
    assert client.post(PATH, proposed).status_code == 201


def test_the_same_trace_with_the_same_key_is_described_once(
    client: APIClient, feature: Feature
) -> None:
    client.post(PATH, PLAIN)
    first = send(client, a_day(), headers={"Idempotency-Key": "trace-1"})
    again = send(client, a_day(), headers={"Idempotency-Key": "trace-1"})
    other = send(client, a_day() + b"1793664001,1,1\n", headers={"Idempotency-Key": "trace-1"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert WorkloadRow.objects.count() == 2


def test_what_the_trace_does_not_show_must_be_said(client: APIClient, feature: Feature) -> None:
    reply = send(client, a_day())

    assert reply.status_code == 422
    assert "is needed" in reply.json()["fields"]["latency_ms"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "field"),
    [
        (b"", "text/csv", 422, "trace"),
        (b"a,b\n", "text/csv", 422, "trace"),
        (a_day() + b'"=cmd|x",1,1\n', "text/csv", 422, "trace"),
        (b"\x00\x01\x02", "application/gzip", 422, "trace"),
        (gzip.compress(b"\x00" * 50_000_000), "application/gzip", 422, "trace"),
        (b"{}", "application/json", 415, ""),
        (b"--x", "multipart/form-data; boundary=x", 400, ""),
        (b"", "multipart/form-data; boundary=x", 422, "trace"),
    ],
)
def test_what_is_no_trace_is_refused(
    client: APIClient, feature: Feature, content: bytes, kind: str, status: int, field: str
) -> None:
    client.post(PATH, PLAIN)

    reply = send(client, content, kind)

    assert reply.status_code in (status, 422) if status == 400 else reply.status_code == status
    assert reply["Content-Type"].startswith("application/problem+json")
    assert not field or reply.json()["fields"][field].endswith(".")
    assert WorkloadRow.objects.count() == 1


@pytest.mark.parametrize(
    "form",
    [
        {"trace": "text and no file"},
        {"file": upload(a_day())},
        {"trace": upload(a_day()), "notes": upload(b"x")},
        {"trace": upload(a_day()), "surprise": "1"},
        {"trace": upload(a_day()), "latency_ms": "=1+1"},
        {"trace": upload(a_day()), "notes": "a\x00b"},
        {"trace": upload(a_day()), "latency_ms": "9" * 5000},
    ],
)
def test_a_form_with_something_wrong_in_it_is_refused(
    client: APIClient, feature: Feature, form: dict[str, Any]
) -> None:
    client.post(PATH, PLAIN)
    for part in form.values():
        if hasattr(part, "seek"):
            part.seek(0)

    reply = client.post(f"{PATH}/from-trace", form, format="multipart")

    assert reply.status_code == 422
    assert reply.json()["fields"]
    assert WorkloadRow.objects.count() == 1


@pytest.mark.parametrize("query", ["one_in=0", "one_in=x", "one_in=NaN", "preview=perhaps"])
def test_a_query_that_cannot_be_is_refused(client: APIClient, feature: Feature, query: str) -> None:
    client.post(PATH, PLAIN)

    reply = client.generic("POST", f"{PATH}/from-trace?{query}", a_day(), content_type="text/csv")

    assert reply.status_code == 422
    assert query.split("=")[0] in reply.json()["fields"]


def test_a_body_larger_than_is_read_is_refused_with_and_without_a_key(
    client: APIClient, feature: Feature
) -> None:
    large = b"timestamp,input_tokens,output_tokens\n" + b"1793577600,1,1\n" * 1_500_000

    plain = send(client, large)
    keyed = send(client, large, headers={"Idempotency-Key": "large"})

    assert (plain.status_code, keyed.status_code) == (413, 413)
    assert "json" in keyed["Content-Type"]


def test_a_large_file_in_a_form_is_read_and_with_a_key_refused_clearly(
    client: APIClient, feature: Feature
) -> None:
    client.post(PATH, PLAIN)
    large = a_day() + b"1793577600,400,50\n" * 170_000

    def posted(**headers: str) -> Any:
        form = {"trace": upload(large)}
        return client.post(f"{PATH}/from-trace", form, format="multipart", headers=headers)

    plain, keyed = posted(), posted(**{"Idempotency-Key": "large-form"})

    assert len(large) > 2_700_000
    assert plain.status_code == 201, plain.json()
    assert keyed.status_code == 413, keyed.content[:300]
    assert keyed["Content-Type"].startswith("application/problem+json")


def test_strangers_and_readers_describe_nothing(
    api: Callable[..., APIClient], client: APIClient, stranger: User, member: User, feature: Feature
) -> None:
    client.post(PATH, PLAIN)

    assert send(api(stranger), a_day()).status_code == 404
    assert send(api(member, scopes=(Scope.READ,)), a_day()).status_code == 403
    assert WorkloadRow.objects.count() == 1
