"""The workload page with a trace read, in a real browser: both themes, desk and phone."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from csp.utils import build_policy
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route

from billing.usecases import prices as price_usecases
from portal.models import Feature, User
from tests.functional.deployments.test_advice_pages import FORM
from tests.functional.deployments.test_workload_pages import PAGE, a_day, upload

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HOST = "http://look.test"
PHONE = {"width": 390, "height": 844}


def static_file(route: Route) -> None:
    """Answer with a static file."""
    name = route.request.url.split("?")[0].removeprefix(f"{HOST}/static/")
    found = Path(finders.find(name) or f"/nowhere/{name}")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    route.fulfill(body=found.read_bytes(), content_type=kind)


def opened(browser: Browser, html: bytes, **options: object) -> Page:
    """Show a rendered page under the policy of the settings."""
    page = browser.new_context(locale="en-GB", reduced_motion="reduce", **options).new_page()
    page.complaints = []  # type: ignore[attr-defined]
    page.on("console", lambda said: page.complaints.append(said.text))  # type: ignore[attr-defined]
    page.route(f"{HOST}/**", lambda route: route.fulfill(body="", content_type="text/html"))
    page.route(f"{HOST}/static/**", static_file)
    page.route(
        f"{HOST}/",
        lambda route: route.fulfill(
            body=html,
            headers={"Content-Security-Policy": build_policy()},
            content_type="text/html; charset=utf-8",
        ),
    )
    page.goto(f"{HOST}/")
    return page


def complaints(page: Page, axe_source: str) -> list[object]:
    """Return what axe, the policy and the width of the window have against a page."""
    said = list(page.complaints)  # type: ignore[attr-defined] # axe styles the page, against it
    page.evaluate(axe_source)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    told = [(rule["id"], rule["nodes"][0]["target"]) for rule in found]
    wide = not page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return [*told, *said, *(["scrolls sideways"] if wide else [])]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_nobody_is_kept_out_of_a_trace(
    browser: Browser,
    axe_source: str,
    signed_in: Callable[[User], Client],
    member: User,
    feature: Feature,
    theme: str,
    viewport: dict[str, int],
) -> None:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    html = signed_in(member).post(PAGE + "trace/", FORM | {"trace": upload(a_day())}).content

    page = opened(browser, html, color_scheme=theme, viewport=viewport)

    assert page.locator("svg.week rect").count() == 168
    assert complaints(page, axe_source) == []
    page.context.close()
