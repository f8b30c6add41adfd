"""The API's document and its reference page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from portal.models import User
from portal.rest import reference

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.yaml"


def test_the_committed_document_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("openapi")
    assert COMMITTED.read_text() == capsys.readouterr().out, "Run: manage.py openapi --write"


def test_the_document_has_no_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert "Warning" not in capsys.readouterr().err


def test_every_operation_says_who_may_and_what_goes_wrong() -> None:
    document = reference.document()
    assert document["openapi"].startswith("3.1")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            name = f"{method} {path}"
            assert operation["description"], name
            assert {"apiKey": []} in operation["security"], name
            assert {"401", "403", "404", "429"} <= set(operation["responses"]), name
            if method == "post":
                headers = [p["name"] for p in operation["parameters"] if p["in"] == "header"]
                assert headers == ["Idempotency-Key"], name
                assert {"400", "409", "422"} <= set(operation["responses"]), name


def test_names_of_operations_are_unique() -> None:
    names = [
        operation["operationId"]
        for item in reference.document()["paths"].values()
        for operation in item.values()
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("accept, kind", [("*/*", "yaml"), ("application/json", "json")])
def test_the_document_is_served(accept: str, kind: str, client: Client) -> None:
    reply = client.get("/api/schema/", headers={"Accept": accept})
    served = reply.json() if kind == "json" else yaml.safe_load(reply.content)
    assert served["paths"].keys() == reference.document()["paths"].keys()


def test_the_reference_shows_every_operation_once(
    signed_in: Callable[[User], Client], lead: User
) -> None:
    page = signed_in(lead).get(reverse("api-docs")).content.decode()
    shown = re.findall(r'<details class="more" id="(\w+)">', page)
    expected = [
        operation["operationId"]
        for item in reference.document()["paths"].values()
        for operation in item.values()
    ]
    assert sorted(shown) == sorted(expected)
    assert "http-equiv" not in page
    assert not re.findall(r'(?:src|href)="https?://', page)
