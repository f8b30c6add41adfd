"""Whatever is sent, the answer is a clear 4xx with a sentence, and nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from portal.models import Feature, Team, User

Connect = Callable[..., APIClient]
SignIn = Callable[[User], Client]
TEN_MIB = 10 * 1024**2
GOOD = {"team": "chat", "slug": "replies", "name": "Replies"}


def _send(client: APIClient, raw: bytes) -> Any:
    return client.generic("POST", "/api/v1/features", raw, content_type="application/json")


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"{", "not JSON"),
        (b"", "cannot be taken as it is"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"name": NaN}', "NaN is not a number"),
        (b'{"name": "a", "name": "b"}', "stands twice"),
        (b'{"name": "a\\u0000b"}', "NUL"),
        (b"\xff", "not UTF-8"),
        (b"[" * 50_000, "nested deeper"),
        (b'{"name": ' + b"9" * 5000 + b"}", "5000 digits"),
    ],
)
def test_a_body_that_is_no_clean_json_is_refused(
    raw: bytes, words: str, api: Connect, lead: User
) -> None:
    reply = _send(api(lead), raw)
    assert reply.status_code in (400, 422)
    assert words in reply.json()["detail"]


@pytest.mark.parametrize(
    "change, field",
    [
        ({"name": 5}, None),
        ({"name": ["a"]}, "name"),
        ({"name": {"a": 1}}, "name"),
        ({"name": None}, "name"),
        ({"name": True}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "   "}, "name"),
        ({"slug": "No Good"}, "slug"),
        ({"slug": "a" * 29}, "slug"),
        ({"description": "x" * 2001}, "description"),
        ({"cost_centre": "x" * 41}, "cost_centre"),
        ({"data_class": "secret"}, "data_class"),
        ({"team": "../x"}, "team"),
        ({"nonsense": 1}, "nonsense"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
    ],
)
def test_a_wrong_field_is_named_with_a_sentence(
    change: dict[str, Any], field: str | None, api: Connect, lead: User
) -> None:
    reply = api(lead).post("/api/v1/features", GOOD | change)
    if field is None:  # a whole number is read as the text it is written as
        assert reply.status_code == 201
        return
    assert reply.status_code == 422
    assert set(reply.json()["fields"]) == {field}
    assert not Feature.objects.exists()


def test_a_missing_field_is_named(api: Connect, lead: User) -> None:
    reply = api(lead).post("/api/v1/features", {})
    assert set(reply.json()["fields"]) == {"team", "slug", "name"}


def test_an_unknown_field_is_answered_with_the_known_ones(api: Connect, lead: User) -> None:
    sentence = api(lead).post("/api/v1/features", GOOD | {"nmae": "x"}).json()["fields"]["nmae"]
    assert "There is no field 'nmae'" in sentence
    assert "name" in sentence


@pytest.mark.parametrize("with_key", [True, False])
def test_ten_mib_in_a_name_are_too_large(with_key: bool, api: Connect, lead: User) -> None:
    raw = json.dumps(GOOD | {"name": "x" * TEN_MIB}).encode()
    headers = {"Idempotency-Key": "k"} if with_key else {}
    reply = api(lead).generic(
        "POST", "/api/v1/features", raw, content_type="application/json", headers=headers
    )
    assert reply.status_code == 413
    assert "2.5 MiB" in reply.json()["detail"]


def test_two_mib_in_a_name_are_too_long(api: Connect, lead: User, chat_team: Team) -> None:
    reply = api(lead).post("/api/v1/features", GOOD | {"name": "x" * 2 * 1024**2})
    assert reply.status_code == 422
    assert len(reply.content) < 2000


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_ten_mib_in_a_form_are_too_large(
    kind: str, signed_in: SignIn, lead: User, chat_team: Team
) -> None:
    browser = signed_in(lead)
    typed = GOOD | {"name": "x" * TEN_MIB}
    if kind == "multipart/form-data":
        reply = browser.post("/features/new/", typed)
    else:
        body = "&".join(f"{name}={value}" for name, value in typed.items())
        reply = browser.post("/features/new/", body, content_type=kind)
    page = reply.content.decode()
    assert reply.status_code == 413
    assert "larger than" in page
    assert len(page) < 50_000


def test_a_formula_is_kept_as_it_is_and_defused_in_sheets(
    api: Connect, signed_in: SignIn, lead: User, chat_team: Team
) -> None:
    formula = "=cmd|'/c calc'!A0"
    made = api(lead).post("/api/v1/features", GOOD | {"name": formula})
    assert made.json()["name"] == formula
    sheet = b"".join(signed_in(lead).get("/features/?format=csv").streaming_content).decode()
    assert f"'{formula}" in sheet
    assert f",{formula}" not in sheet


@pytest.mark.parametrize(
    "path",
    [
        "/features/?q=%00",
        "/features/?team=%00",
        "/features/?sort=%00",
        "/features/?cursor=%00",
        "/activity/?q=a%00",
        "/search/?q=%00",
        "/?%00=1",
        "/features/%00/",
        "/api/v1/features?q=%00",
        "/api/v1/features?team=%00",
        "/api/v1/features/%00",
        "/api/v1/activity?subject=%00",
        "/api/v1/features?cursor=%00",
        "/api/v1/features?limit=%00",
    ],
)
def test_nul_in_an_address_is_refused(path: str, signed_in: SignIn, lead: User) -> None:
    assert signed_in(lead).get(path).status_code in (400, 404)


@pytest.mark.parametrize(
    "query",
    ["q=%ff%fe", "q=%ed%a0%80", "q=" + "x" * 4000, "q=%25%5f", "team=%F0%9F%98%80", "q=%5C"],
)
@pytest.mark.parametrize("path", ["/features/", "/search/", "/activity/", "/api/v1/features"])
def test_odd_words_find_nothing_and_break_nothing(
    path: str, query: str, signed_in: SignIn, lead: User, feature: Feature
) -> None:
    assert signed_in(lead).get(f"{path}?{query}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/settings/teams/chat/remove/",
        "/settings/teams/chat/members/",
        "/settings/roles/grant/",
        "/settings/roles/withdraw/",
        "/settings/members/invite/",
        "/settings/keys/",
        "/settings/account/",
    ],
)
@pytest.mark.parametrize(
    "value",
    ["\u0000", "x" * 5000, "", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")],
)
def test_odd_values_in_forms_are_refused(
    path: str, value: str, signed_in: SignIn, platform_engineer: User, chat_team: Team
) -> None:
    names = ("email", "role", "name", "scopes", "days")
    reply = signed_in(platform_engineer).post(path, dict.fromkeys(names, value))
    is_name = path == "/settings/account/" and value == "\U0001f600"
    assert reply.status_code == 302 if is_name else reply.status_code in (404, 422)


def test_a_host_that_is_not_ours_is_refused(client: Client) -> None:
    assert client.get("/health/live/", headers={"Host": "evil.example"}).status_code == 400
