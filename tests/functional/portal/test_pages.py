"""The pages of the portal app: what is on them, what they do, what they refuse."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from portal.models import ApiKey, AuditEvent, Feature, Membership, Team, User
from portal.queries import actor_of_user
from portal.usecases import audit, keys

SignIn = Callable[[User], Client]
PAGES = (
    "/",
    "/features/",
    "/features/new/",
    "/features/chatbot/",
    "/features/chatbot/change/",
    "/features/chatbot/activity/",
    "/activity/",
    "/search/?q=chat",
    "/settings/teams/",
    "/settings/teams/chat/",
    "/settings/members/",
    "/settings/keys/",
    "/settings/account/",
    "/api/docs/",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_in_the_frame(
    path: str, signed_in: SignIn, lead: User, feature: Feature
) -> None:
    reply = signed_in(lead).get(path)
    page = reply.content.decode()
    assert reply.status_code == 200
    assert page.count("<h1>") == 1
    assert 'aria-label="Main"' in page
    assert "<script>" not in page
    assert "style=" not in page
    assert "script-src 'self'" in reply.headers["Content-Security-Policy"]


def _typed(**more: str) -> dict[str, str]:
    return {
        "name": "Replies",
        "slug": "replies",
        "team": "chat",
        "description": "",
        "cost_centre": "",
        "data_class": "internal",
        **more,
    }


def test_a_member_registers_a_feature(signed_in: SignIn, member: User, chat_team: Team) -> None:
    reply = signed_in(member).post("/features/new/", _typed())
    assert (reply.status_code, reply.headers["Location"]) == (302, "/features/replies/")
    assert Feature.objects.get().team == chat_team


@pytest.mark.parametrize(
    "field, value, words",
    [
        ("slug", "Not Good", "small letters, digits and single hyphens"),
        ("slug", "chatbot", "is taken"),
        ("name", "", "This field is required"),
        ("name", "x" * 101, "at most 100 characters"),
        ("description", "x" * 2001, "at most 2000 characters"),
        ("data_class", "secret", "Select a valid choice"),
        ("team", "moderation", "Select a valid choice"),
        ("name", "x\u0000", "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_what_was_typed_is_kept(
    field: str,
    value: str,
    words: str,
    signed_in: SignIn,
    lead: User,
    feature: Feature,
    moderation_team: Team,
) -> None:
    typed = _typed(**({"name": "Kept as typed"} if field != "name" else {}), **{field: value})
    reply = signed_in(lead).post("/features/new/", typed)
    page = reply.content.decode()
    assert reply.status_code in (409, 422)
    assert words in page
    assert 'aria-invalid="true"' in page
    assert field == "name" or 'value="Kept as typed"' in page
    assert Feature.objects.count() == 1


def test_a_script_in_a_name_is_shown_and_not_run(
    signed_in: SignIn, lead: User, chat_team: Team
) -> None:
    browser = signed_in(lead)
    evil = "<script>alert(1)</script>"
    assert browser.post("/features/new/", _typed(name=evil, description=evil)).status_code == 302
    for path in ("/", "/features/", "/features/replies/", "/activity/", "/search/?q=script"):
        page = browser.get(path).content.decode()
        assert evil not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    page = browser.get("/search/", {"q": evil}).content.decode()
    assert evil not in page


def test_the_list_is_searched_filtered_and_sorted(
    signed_in: SignIn,
    platform_engineer: User,
    feature: Feature,
    moderation_team: Team,
    noon: datetime,
) -> None:
    Feature.objects.create(team=moderation_team, slug="filter", name="Filter", created_at=noon)
    browser = signed_in(platform_engineer)

    def shown(**query: str) -> list[str]:
        return [row.slug for row in browser.get("/features/", query).context["page"].rows]

    assert shown() == ["chatbot", "filter"]
    assert shown(sort="-name") == ["filter", "chatbot"]
    assert shown(sort="-team") == ["filter", "chatbot"]
    assert shown(sort="nonsense") == ["chatbot", "filter"]
    assert shown(team="moderation") == ["filter"]
    assert shown(q="chat") == ["chatbot"]
    assert shown(q="chat", team="moderation") == []


def test_the_sheet_holds_exactly_what_the_filter_shows_and_no_formula(
    signed_in: SignIn,
    platform_engineer: User,
    feature: Feature,
    moderation_team: Team,
    noon: datetime,
) -> None:
    Feature.objects.create(
        team=moderation_team, slug="evil", name='=HYPERLINK("http://e.example")', created_at=noon
    )
    browser = signed_in(platform_engineer)
    page = browser.get("/features/?team=moderation")
    reply = browser.get("/features/" + page.context["csv_url"])
    rows = list(csv.reader(io.StringIO(b"".join(reply.streaming_content).decode(), newline="")))
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert [row[:3] for row in rows[1:]] == [
        ["evil", '\'=HYPERLINK("http://e.example")', "Moderation"]
    ]


def test_long_lists_come_in_pages_that_remember_the_filter(
    signed_in: SignIn, lead: User, chat_team: Team, noon: datetime
) -> None:
    Feature.objects.bulk_create(
        Feature(team=chat_team, slug=f"many-{n:03}", name=f"Many {n:03}", created_at=noon)
        for n in range(120)
    )
    browser = signed_in(lead)
    url, seen = "/features/?q=many&sort=-team", []
    while url:
        page = browser.get(url).context["page"]
        seen += [row.slug for row in page.rows]
        assert not page.next_url or "q=many" in page.next_url
        url = page.next_url and f"/features/{page.next_url}"
    assert sorted(seen) == [f"many-{n:03}" for n in range(120)]
    assert browser.get("/features/?cursor=nonsense").status_code == 200


def test_an_activity_page_knows_deployments_and_not_those_of_a_namesake(
    signed_in: SignIn, lead: User, feature: Feature, noon: datetime
) -> None:
    Feature.objects.create(team=feature.team, slug="chatbot-two", name="Two", created_at=noon)
    for subject in ("feature:chatbot", "deployment:chatbot-production", "deployment:other"):
        _record(lead, feature.team, subject, noon)
    _record(lead, feature.team, "deployment:chatbot-two-production", noon)
    _record(lead, feature.team, "deployment:canary", noon, feature="chatbot")
    page = signed_in(lead).get("/features/chatbot/activity/").content.decode()
    shown = {event.subject for event in AuditEvent.objects.all() if event.sentence in page}
    assert shown == {"feature:chatbot", "deployment:chatbot-production", "deployment:canary"}


def _record(user: User, team: Team, subject: str, noon: datetime, **detail: str) -> None:
    audit.record(
        actor=actor_of_user(user),
        verb="do",
        subject=subject,
        sentence=f"Did something to [{subject}].",
        team=team,
        detail=detail,
        now=noon,
    )


def test_activity_shows_own_teams_only(
    signed_in: SignIn,
    lead: User,
    stranger: User,
    platform_engineer: User,
    feature: Feature,
    noon: datetime,
) -> None:
    _record(lead, feature.team, "feature:chatbot", noon)
    for user, sees in ((lead, True), (stranger, False), (platform_engineer, True)):
        browser = signed_in(user)
        assert ("[feature:chatbot]" in browser.get("/activity/").content.decode()) is sees
        sheet = b"".join(browser.get("/activity/?format=csv").streaming_content).decode()
        assert ("[feature:chatbot]" in sheet) is sees


def test_search_finds_features_teams_and_pages_but_nothing_of_strangers(
    signed_in: SignIn, lead: User, stranger: User, feature: Feature
) -> None:
    found = signed_in(lead).get("/search/?q=chat").content.decode()
    assert "/features/chatbot/" in found
    assert "/settings/teams/chat/" in found
    assert "/activity/" in signed_in(lead).get("/search/?q=activ").content.decode()
    assert "chatbot/" not in signed_in(stranger).get("/search/?q=chat").content.decode()


def test_the_tour_goes_when_it_was_seen(signed_in: SignIn, lead: User) -> None:
    browser = signed_in(lead)
    assert 'id="tour"' in browser.get("/").content.decode()
    assert browser.post("/tour/dismiss/").status_code == 302
    assert 'id="tour"' not in browser.get("/").content.decode()


def test_a_secret_is_shown_once(signed_in: SignIn, lead: User) -> None:
    browser = signed_in(lead)
    reply = browser.post("/settings/keys/", {"name": "ci", "scopes": ["read"], "days": "30"})
    assert reply.status_code == 201
    secret = reply.context["secret"]
    assert secret in reply.content.decode()
    assert "no-store" in reply.headers["Cache-Control"]
    assert secret not in browser.get("/settings/keys/").content.decode()
    prefix = ApiKey.objects.get().prefix
    assert browser.post(f"/settings/keys/{prefix}/revoke/").status_code == 302
    assert ApiKey.objects.get().revoked_at is not None


def test_a_lead_adds_and_removes_members(
    signed_in: SignIn, lead: User, stranger: User, chat_team: Team
) -> None:
    browser = signed_in(lead)
    base = "/settings/teams/chat/"
    typed = {"email": stranger.email, "role": "member"}
    assert browser.post(f"{base}members/", typed).status_code == 302
    assert Membership.objects.filter(team=chat_team, user=stranger).exists()
    assert browser.post(f"{base}remove/", {"email": stranger.email}).status_code == 302
    assert not Membership.objects.filter(team=chat_team, user=stranger).exists()
    refused = browser.post(f"{base}remove/", {"email": lead.email})
    assert refused.status_code == 409
    assert "only lead" in refused.content.decode()


def test_an_invited_person_chooses_a_password_once_and_signs_in(
    signed_in: SignIn, platform_engineer: User, client: Client
) -> None:
    typed = {"email": "Ada@Content-AI.example", "name": "Ada Lovelace"}
    reply = signed_in(platform_engineer).post("/settings/members/invite/", typed)
    assert reply.status_code == 201
    link = reply.context["link"]
    assert link in reply.content.decode()
    path = link.removeprefix("http://127.0.0.1:8000")
    form = client.get(path, follow=True)
    assert form.status_code == 200
    here = form.redirect_chain[-1][0]
    word = "correct horse battery staple"
    chosen = client.post(here, {"password1": word, "password2": word})
    assert chosen.status_code == 302
    client.logout()
    signed = client.post("/accounts/login/", {"login": "ada@content-ai.example", "password": word})
    assert (signed.status_code, signed.headers["Location"]) == (302, "/")
    again = signed_in(platform_engineer).post("/settings/members/invite/", typed)
    assert again.status_code == 409
    assert User.objects.filter(email="ada@content-ai.example").count() == 1


@pytest.mark.parametrize("role", ["lead", "member", "controller"])
def test_only_platform_engineers_invite_and_give_roles(
    role: str, signed_in: SignIn, request: pytest.FixtureRequest, member: User
) -> None:
    browser = signed_in(request.getfixturevalue(role))
    typed = {"email": member.email, "role": "platform"}
    assert browser.post("/settings/roles/grant/", typed).status_code == 403
    assert browser.post("/settings/roles/withdraw/", typed).status_code == 403
    invited = browser.post(
        "/settings/members/invite/", {"email": "x@content-ai.example", "name": "X"}
    )
    assert invited.status_code == 403
    assert not User.objects.filter(email="x@content-ai.example").exists()


def test_people_change_their_own_name(signed_in: SignIn, lead: User) -> None:
    browser = signed_in(lead)
    assert browser.post("/settings/account/", {"name": "Grace Hopper"}).status_code == 302
    assert "Grace Hopper" in browser.get("/").content.decode()
    assert browser.post("/settings/account/", {"name": " "}).status_code == 422


def test_a_refusal_becomes_a_fragment_for_htmx(signed_in: SignIn, lead: User) -> None:
    reply = signed_in(lead).post("/settings/keys/nothing/revoke/", headers={"HX-Request": "true"})
    assert reply.status_code == 404
    assert reply.headers["HX-Retarget"] == "#refusal"
    assert "You have no key" in reply.content.decode()
    assert "<html" not in reply.content.decode()


def test_a_key_that_expired_says_so(signed_in: SignIn, lead: User, noon: datetime) -> None:
    long_ago = noon - timedelta(days=900)
    keys.create_key(
        actor=actor_of_user(lead),
        name="old",
        scopes=["read"],
        expires_at=long_ago + timedelta(days=1),
        now=long_ago,
    )
    assert "expired" in signed_in(lead).get("/settings/keys/").content.decode()


def test_a_form_without_its_token_is_refused_with_a_way_out(lead: User, chat_team: Team) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    reply = browser.post("/features/new/", _typed())
    assert reply.status_code == 403
    assert "Reload its page" in reply.content.decode()
    assert not Feature.objects.exists()


def test_without_scripts_a_page_says_where_its_parts_are(
    signed_in: SignIn, lead: User, feature: Feature
) -> None:
    browser = signed_in(lead)
    home = browser.get("/").content.decode()
    page = browser.get(feature.get_absolute_url()).content.decode()

    told = home[home.index("<main") :]
    told = told[told.index("<noscript>") : told.index("</noscript>")]
    assert 'href="/fleet/"' in told
    assert 'href="/spend/"' in told
    assert "in the tabs above" in page
    assert 'class="skeletons needs-script"' in page


def test_what_is_too_large_is_called_so_on_its_page(signed_in: SignIn, lead: User) -> None:
    reply = signed_in(lead).post(
        "/features/new/",
        "name=" + "x" * 10_000_000,
        content_type="application/x-www-form-urlencoded",
    )

    assert reply.status_code == 413
    assert '<p class="problem-status">413</p>' in reply.content.decode()
