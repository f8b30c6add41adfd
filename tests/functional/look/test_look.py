"""The look in a real browser, under the policy of the settings: every part, both themes, phones."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from csp.utils import build_policy
from django.contrib.staticfiles import finders
from playwright.sync_api import Browser, Page, Route

from tests.unit.portal.gallery import rendered

pytestmark = pytest.mark.browser
HOST = "http://look.test"
PHONE = {"width": 390, "height": 844}
Answer = Callable[[Route], None]


def static_file(route: Route) -> None:
    """Answer with a static file."""
    name = route.request.url.split("?")[0].removeprefix(f"{HOST}/static/")
    found = Path(finders.find(name) or f"/nowhere/{name}")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    route.fulfill(body=found.read_bytes(), content_type=kind)


@pytest.fixture
def open_gallery(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the gallery in a browser that answers all requests from here; collects complaints."""
    contexts = []

    def opened(
        answers: dict[str, Answer] | None = None,
        body: str = "",
        *,
        charts: bool = False,
        **options: Any,
    ) -> Page:
        context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        html = rendered().replace("</main>", f"{body}</main>")
        headers = {"Content-Security-Policy": build_policy()}
        page.route(f"{HOST}/", lambda route: route.fulfill(
            body=html, headers=headers, content_type="text/html; charset=utf-8"
        ))  # fmt: skip
        page.route(f"{HOST}/static/**", static_file)
        for path, answer in (answers or {}).items():
            page.route(f"{HOST}{path}", answer)
        if not charts:
            page.route("**/echarts.min.js", lambda route: route.abort())
        page.goto(f"{HOST}/")
        if charts:
            page.wait_for_selector("[data-chart] svg")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_and_the_policy_forbids_nothing(
    open_gallery, axe_source, theme, viewport
):
    page = open_gallery(charts=True, color_scheme=theme, viewport=viewport, reduced_motion="reduce")
    assert page.complaints == []
    page.evaluate(axe_source)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(rule["id"], rule["nodes"][0]["target"]) for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_chosen_theme_is_remembered_and_colours_the_charts(open_gallery):
    page = open_gallery(charts=True, color_scheme="light")
    root = page.locator("html")
    line = "document.querySelector('[data-chart] svg text').getAttribute('fill')"
    light = page.evaluate(line)
    page.click("[data-theme-button]")  # from auto to light
    page.click("[data-theme-button]")  # from light to dark
    assert root.get_attribute("data-bs-theme") == "dark"
    assert page.evaluate(line) != light
    page.reload()
    assert root.get_attribute("data-bs-theme") == "dark"
    assert "slipway_theme=dark" in page.evaluate("document.cookie")


def test_a_slash_goes_to_the_search_but_not_out_of_a_field(open_gallery):
    page = open_gallery()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.fill("#id_note", "")
    page.focus("#id_note")
    page.keyboard.press("/")
    assert page.input_value("#id_note") == "/"
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.id") == "search"


def test_snippets_become_tabs_for_the_keyboard(open_gallery):
    page = open_gallery()
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Python").get_attribute("aria-selected") == "true"
    assert page.locator("#call-2").is_visible()
    assert not page.locator("#call-1").is_visible()


def test_a_dangerous_action_goes_nowhere_until_the_name_is_typed(open_gallery):
    page = open_gallery()
    page.click("[data-opens=retire]")
    page.fill("#retire-name", "chatbot-stagin")
    refused = "document.getElementById('retire-name').checkValidity()"
    assert page.evaluate(refused) is False
    page.fill("#retire-name", "chatbot-production")
    assert page.evaluate(refused) is True
    page.keyboard.press("Escape")
    assert not page.locator("#retire").is_visible()


def test_times_are_local_with_utc_on_hover(open_gallery):
    page = open_gallery()
    at = page.locator(".feed time").last
    assert at.get_attribute("title") == "2026-11-17 12:00:00 UTC"
    assert "13:00" in at.inner_text()  # Berlin


def test_without_scripts_everything_can_be_read(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.route("**/static/**", static_file)
    page.route(f"{HOST}/", lambda route: route.fulfill(body=rendered(), content_type="text/html"))
    page.goto(f"{HOST}/")
    assert page.locator("#call-1 pre").is_visible()
    assert page.locator("#call-2 pre").is_visible()
    assert not page.locator("[data-theme-button]").is_visible()
    assert not page.locator("[data-copies]").first.is_visible()
    context.close()


def test_the_navigation_of_a_phone_is_a_drawer(open_gallery):
    page = open_gallery(viewport=PHONE)
    assert not page.locator("#navigation").is_visible()
    page.click(".menu-button")
    assert page.get_by_role("link", name="Fleet").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#navigation").is_visible()


BUTTON = '<button id="ask" hx-post="/ask/" hx-target="#answer">Ask</button><div id="answer"></div>'


@pytest.mark.parametrize("status", [200, 409, 422])
def test_a_form_that_comes_back_with_sentences_is_shown(open_gallery, status):
    reply = {"/ask/": lambda route: route.fulfill(status=status, body="<p>Look again.</p>")}
    page = open_gallery(reply, BUTTON)
    page.click("#ask")
    page.locator("#answer", has_text="Look again.").wait_for()


@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refusal_says_itself_where_it_is_shown(open_gallery, status):
    headers = {"HX-Retarget": "#refusal", "HX-Reswap": "innerHTML"}
    reply = {"/ask/": lambda route: route.fulfill(status=status, headers=headers, body="No.")}
    page = open_gallery(reply, BUTTON)
    page.click("#ask")
    page.locator("#refusal", has_text="No.").wait_for()
    assert page.inner_text("#answer") == ""
    assert page.inner_text("#toasts") == ""


def test_a_failure_is_said_and_nothing_on_the_page_is_lost(open_gallery):
    reply = {"/ask/": lambda route: route.fulfill(status=500, body="<p>Traceback</p>")}
    page = open_gallery(reply, BUTTON)
    page.click("#ask")
    page.locator("#toasts", has_text="(500)").wait_for()
    assert page.inner_text("#answer") == ""


def test_a_poll_ends_when_the_server_says_286(open_gallery):
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        is_over = len(asked) > 1
        route.fulfill(status=286 if is_over else 200, body="ready" if is_over else "creating")

    poll = '<div id="poll" hx-get="/poll/" hx-trigger="every 200ms"></div>'
    page = open_gallery({"/poll/": answer}, poll)
    page.locator("#poll", has_text="ready").wait_for()
    page.wait_for_timeout(400)  # what was under way when the answer came
    before = len(asked)
    page.wait_for_timeout(1000)
    assert len(asked) == before


def test_a_chart_inside_a_fragment_draws_itself(open_gallery):
    part = rendered().split('<figure class="chart" id="cost-chart">')[1].split("</figure>")[0]
    fragment = f"<figure>{part.replace('cost-chart', 'late-chart')}</figure>"
    page = open_gallery({"/ask/": lambda route: route.fulfill(body=fragment)}, BUTTON, charts=True)
    page.click("#ask")
    page.wait_for_selector("#answer [data-chart] svg")
    assert page.complaints == []


def test_a_chart_whose_script_is_lost_shows_its_table(open_gallery):
    page = open_gallery()
    page.locator("#cost-chart table").wait_for()
    assert not page.locator("#cost-chart [data-chart]").is_visible()
