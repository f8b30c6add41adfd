"""Signing in, and what is open without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from portal.models import User

WORD = "correct horse battery staple"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", email="ada@content-ai.example", password=WORD)


def _sign_in(client: Client, word: str = WORD, **more: str) -> object:
    return client.post(
        "/accounts/login/", {"login": "ada@content-ai.example", "password": word, **more}
    )


def test_a_person_signs_in_by_address_and_comes_where_they_wanted(
    ada: User, client: Client
) -> None:
    sent = client.get("/features/?q=x")
    assert sent.headers["Location"] == "/accounts/login/?next=/features/%3Fq%3Dx"
    page = client.get(sent.headers["Location"]).content.decode()
    assert 'name="next"' in page
    reply = _sign_in(client, next="/features/?q=x")
    assert (reply.status_code, reply.headers["Location"]) == (302, "/features/?q=x")
    assert client.get("/features/?q=x").status_code == 200


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_nobody_is_sent_to_another_host(place: str, ada: User, client: Client) -> None:
    assert _sign_in(client, next=place).headers["Location"] == "/"


def test_a_wrong_password_is_refused_in_words_that_do_not_tell_who_exists(
    ada: User, client: Client
) -> None:
    cache.clear()
    known = _sign_in(client, "wrong")
    unknown = client.post(
        "/accounts/login/", {"login": "nobody@content-ai.example", "password": "wrong"}
    )
    words = "The email address and/or password you specified are not correct."
    assert words in known.content.decode()
    assert words in unknown.content.decode()


def test_guessing_is_slowed_down(ada: User, client: Client) -> None:
    cache.clear()
    replies = [_sign_in(client, f"wrong {number}").content.decode() for number in range(12)]
    assert "Too many failed login attempts" in replies[-1]
    assert "Too many" in _sign_in(client).content.decode()
    cache.clear()


def test_the_session_gets_a_new_name_at_sign_in_and_ends_at_sign_out(
    ada: User, client: Client
) -> None:
    _sign_in(client)
    cookie = client.cookies["slipway_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302


def test_strangers_open_no_account(client: Client, db: None) -> None:
    page = client.get("/accounts/signup/").content.decode()
    assert "password1" not in page
    typed = {"email": "eve@evil.example", "password1": WORD, "password2": WORD}
    client.post("/accounts/signup/", typed)
    assert not User.objects.exists()


@override_settings(OPEN_SIGNUP=True)
def test_an_installation_may_open_its_doors(client: Client, db: None) -> None:
    typed = {"email": "eve@content-ai.example", "password1": WORD, "password2": WORD}
    assert client.post("/accounts/signup/", typed).status_code == 302
    assert User.objects.filter(email="eve@content-ai.example").exists()
    assert "You hold no role yet" in client.get("/settings/account/").content.decode()


@override_settings(SIGN_IN_HINT="Try lead@content-ai.example\nwith <b>a password</b>")
def test_the_hint_is_shown_and_escaped(client: Client, db: None) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert "Try lead@content-ai.example" in page
    assert "<b>a password" not in page


@override_settings(
    SOCIALACCOUNT_PROVIDERS={
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "sso",
                    "name": "ContentAI sign-on",
                    "client_id": "slipway",
                    "secret": "s",
                    "settings": {"server_url": "https://sso.content-ai.example"},
                }
            ]
        }
    }
)
def test_single_sign_on_is_offered_where_it_is_configured(client: Client, db: None) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert "ContentAI sign-on" in page
    assert "/accounts/oidc/sso/login/" in page


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/inactive/",
        "/accounts/password/reset/key/1-x/",
    ],
)
def test_pages_around_the_sign_in_have_our_look_and_no_inline_script(
    path: str, client: Client, db: None
) -> None:
    reply = client.get(path, follow=True)
    page = reply.content.decode()
    assert reply.status_code == 200
    assert page.count("<h1>") == 1
    assert "app.css" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    "path",
    ["/accounts/email/", "/accounts/password/change/", "/accounts/logout/", "/accounts/3rdparty/"],
)
def test_pages_about_ones_account_have_our_look(
    path: str, signed_in: Callable[[User], Client], ada: User
) -> None:
    reply = signed_in(ada).get(path)
    page = reply.content.decode()
    assert reply.status_code == 200
    assert page.count("<h1>") == 1
    assert "app.css" in page


def test_a_lost_password_is_mailed_only_where_there_is_a_mail_server(
    ada: User, client: Client, mailoutbox: list[object]
) -> None:
    assert "Forgot" not in client.get("/accounts/login/").content.decode()
    assert "sends no mail" in client.get("/accounts/password/reset/").content.decode()
    with override_settings(EMAIL_HOST="smtp.content-ai.example"):
        assert "Forgot" in client.get("/accounts/login/").content.decode()
        reply = client.post("/accounts/password/reset/", {"email": ada.email})
    assert reply.status_code == 302
    assert len(mailoutbox) == 1
