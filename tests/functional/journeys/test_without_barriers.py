"""Every main page for everybody: by ear, by keyboard, in the dark, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CASCADE = "/cascades/supportai-production-cascade/"
PAGES = (
    "/",
    "/features/",
    "/features/new/",
    "/features/chatbot/",
    "/features/chatbot/workload/",
    "/features/chatbot/options/",
    "/features/chatbot/launch/",
    "/features/chatbot/deployments/",
    "/features/chatbot/spend/",
    "/features/chatbot/activity/",
    "/deployments/chatbot-production/",
    "/fleet/",
    "/portfolio/",
    "/moves/",
    "/capacity/",
    "/probes/",
    "/spend/",
    "/spend/by/feature/",
    "/spend/ledger/",
    "/spend/prices/",
    "/spend/budgets/",
    "/cascades/",
    CASCADE,
    f"{CASCADE}policy/",
    f"{CASCADE}policy/edit/",
    f"{CASCADE}replays/",
    f"{CASCADE}calibrations/",
    f"{CASCADE}trainings/",
    f"{CASCADE}trials/",
    f"{CASCADE}review/",
    f"{CASCADE}keys/",
    "/activity/",
    "/search/?q=chat",
    "/settings/teams/",
    "/settings/keys/",
    "/api/docs/",
)
SERIOUS = ("serious", "critical")
CHECK = "() => axe.run(document, {resultTypes: ['violations']})"
OVERHANG = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module", autouse=True)
def _something_runs(playing: Callable[[], object]) -> None:
    """Look at pages that have something to show."""
    playing()


def _open(page: Page, path: str) -> None:
    reply = page.goto(path)
    assert reply is not None
    assert (path, reply.status) == (path, 200)
    # The parts that a page loads by itself are there.
    page.wait_for_load_state("networkidle")
    expect(page.locator("main .skeleton")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_barrier(
    scheme: str, page_as: Callable[..., Page], axe_source: str
) -> None:
    # axe is evaluated past the pages' own policy, which forbids foreign scripts.
    page = page_as("lead", color_scheme=scheme, bypass_csp=True)
    found: dict[str, list[Any]] = {}
    for path in PAGES:
        _open(page, path)
        page.evaluate(axe_source)
        for each in page.evaluate(CHECK)["violations"]:
            if each["impact"] in SERIOUS:
                nodes = [node["html"][:200] for node in each["nodes"][:3]]
                found.setdefault(path, []).append((each["id"], nodes))
    assert found == {}


def test_no_page_scrolls_sideways_on_a_phone(page_as: Callable[..., Page]) -> None:
    page = page_as("lead", viewport={"width": 390, "height": 844})
    wide = {}
    for path in PAGES:
        _open(page, path)
        if page.evaluate(OVERHANG) > 0:
            wide[path] = page.evaluate(OVERHANG)
    assert wide == {}


def test_the_keyboard_skips_to_the_content_and_finds_the_search(
    page_as: Callable[..., Page],
) -> None:
    page = page_as("lead")
    _open(page, "/features/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search features")
    expect(search).to_be_focused()
    page.keyboard.type("chatbot")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Search", level=1)).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="Chatbot responses")).to_be_visible()
