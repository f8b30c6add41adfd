"""The options in a browser: sliders, turning points, side by side, on paper; for everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

OPTIONS = "/features/image-captions/options/"
PAGES = (OPTIONS, f"{OPTIONS}turns/", f"{OPTIONS}what-if/?latency_ms=1063", f"{OPTIONS}print/")
SERIOUS = ("serious", "critical")
CHECK = "() => axe.run(document, {resultTypes: ['violations']})"
OVERHANG = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(autouse=True)
def _compared(page_as: Callable[..., Page]) -> None:
    """Compare the options once; they stay compared for the other journeys here."""
    page = page_as("lead")
    page.goto(OPTIONS)
    ask = page.get_by_role("button", name="Compare the options")
    if ask.count():
        ask.click()
        expect(page.get_by_role("heading", name="Our pick")).to_be_visible()


def _side_by_side(page: Page) -> str:
    """Tick two options and return the address at which they stand side by side."""
    page.goto(OPTIONS)
    for at in (0, 1):
        page.locator("input[name=compare]").nth(at).check()
    page.get_by_role("button", name="Compare the ticked side by side").click()
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    return page.url


def test_a_slider_answers_without_loading_the_page(page_as: Callable[..., Page]) -> None:
    page = page_as("lead")
    page.goto(OPTIONS)
    page.evaluate("() => { window.isSamePage = true; }")
    slider = page.get_by_role("slider", name="Latency objective, as a slider")
    field = page.get_by_label("Latency objective", exact=False).first
    before = page.locator("input[name=latency_ms]").input_value()

    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")

    after = page.locator("input[name=latency_ms]").input_value()
    expect(field).to_be_visible()
    assert int(after) > int(before)
    answer = page.locator("#what-if-said")
    expect(answer).to_contain_text(f"{int(after):,} ms at p95")
    expect(slider).to_have_attribute("aria-valuetext", f"{after} ms")
    assert page.evaluate("() => window.isSamePage") is True


def test_what_turns_the_choice_loads_by_itself_when_it_is_seen(
    page_as: Callable[..., Page],
) -> None:
    page = page_as("lead")
    page.goto(OPTIONS)
    page.locator("#turns").scroll_into_view_if_needed()

    table = page.get_by_role("region", name="Turning points")
    expect(table).to_contain_text("Latency objective, up")
    expect(table).to_contain_text("1,000 ms")


def test_the_address_of_a_comparison_can_be_passed_on(page_as: Callable[..., Page]) -> None:
    address = _side_by_side(page_as("lead"))

    other = page_as("lead")
    other.goto(address)
    heads = other.locator(".side-by-side thead th")

    expect(heads).to_have_count(3)
    assert len(re.findall("compare=", address)) == 2


def test_everything_can_be_asked_without_scripts(page_as: Callable[..., Page]) -> None:
    page = page_as("lead", java_script_enabled=False)
    _side_by_side(page)
    page.goto(OPTIONS)
    page.locator("input[name=latency_ms]").fill("1063")
    page.get_by_role("button", name="Compare at these figures").click()

    expect(page.locator("#what-if-said")).to_contain_text("1,063 ms at p95")
    expect(page.locator("input[name=latency_ms]")).to_have_value("1063")
    page.goto(OPTIONS)
    page.get_by_role("link", name="Which assumption changes the choice").click()
    expect(page.get_by_role("main")).to_contain_text("Latency objective, up")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_options_has_a_serious_barrier(
    scheme: str, page_as: Callable[..., Page], axe_source: str
) -> None:
    page = page_as("lead", color_scheme=scheme, bypass_csp=True)
    found: dict[str, Any] = {}
    for path in (*PAGES, _side_by_side(page)):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.evaluate(axe_source)
        for each in page.evaluate(CHECK)["violations"]:
            if each["impact"] in SERIOUS:
                found[f"{path} {each['id']}"] = [node["html"][:200] for node in each["nodes"][:3]]
    assert found == {}


def test_no_page_of_the_options_scrolls_sideways_on_a_phone(page_as: Callable[..., Page]) -> None:
    page = page_as("lead", viewport={"width": 390, "height": 844})
    wide = {}
    for path in (*PAGES, _side_by_side(page)):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        if page.evaluate(OVERHANG) > 0:
            wide[path] = page.evaluate(OVERHANG)
    assert wide == {}


def test_on_paper_there_is_no_frame_and_nothing_is_cut(page_as: Callable[..., Page]) -> None:
    page = page_as("lead")
    page.goto(f"{OPTIONS}print/")
    page.emulate_media(media="print")

    expect(page.locator("nav.side, .side").first).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("heading", name="What would change the choice")).to_be_visible()
