"""The main job in a browser: from a new feature to its spend, and down again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotYet

from tests.fixtures.servers import Sandbox
from tests.fixtures.stack import Stack

pytestmark = pytest.mark.browser

FEATURE = "ticket-triage"
DEPLOYMENT = f"{FEATURE}-staging"
OPTION = "A function in front of Amazon Nova Micro, in Region"
READY_MS = 60_000
METERED_MS = 150_000
PAGES_OF_IT = (
    f"/features/{FEATURE}/",
    f"/features/{FEATURE}/change/",
    f"/features/{FEATURE}/workload/",
    f"/features/{FEATURE}/options/",
    f"/features/{FEATURE}/launch/",
    f"/features/{FEATURE}/deployments/",
    f"/features/{FEATURE}/spend/",
    f"/features/{FEATURE}/activity/",
    f"/deployments/{DEPLOYMENT}/",
)


def test_a_lead_takes_a_sixth_feature_from_registration_to_retirement(
    stack: Stack, page_as: Callable[..., Page], pretend_aws: Sandbox, playing: Callable[[], object]
) -> None:
    page = page_as("lead")
    _register(page)
    _describe(page)
    _launch(page)
    _becomes(page, "ready")
    _call_as_printed(page)
    _nobody_else_sees_it(page_as("other-lead"))
    _resize(page)
    _sees_its_spend(page)
    _retire(page)
    assert [each for each in pretend_aws.get("inventory") if FEATURE in str(each)] == []


def _register(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Register a feature").first.click()
    page.get_by_label("Name", exact=True).fill("Ticket triage")
    page.get_by_label("Short name").fill(FEATURE)
    page.get_by_label("Team", exact=True).select_option("conversations")
    page.get_by_label("Description").fill("Sorts incoming tickets.")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Ticket triage", level=1)).to_be_visible()


def _describe(page: Page) -> None:
    page.get_by_role("link", name="Describe the workload").click()
    page.get_by_label("Requests on average").fill("2")
    page.get_by_label("Input tokens, mean").fill("400")
    page.get_by_label("Output tokens, mean").fill("100")
    page.get_by_label("Answer within").fill("4000")
    # It says what that comes to while one types.
    expect(page.get_by_role("complementary")).to_contain_text("5.3 million requests")
    page.get_by_role("button", name="Save and compare the options").click()
    expect(page.get_by_role("heading", name="Our pick")).to_be_visible()


def _launch(page: Page) -> None:
    page.get_by_role("link", name=OPTION, exact=True).first.click()
    opened = page.get_by_role("region", name=OPTION)
    expect(opened.get_by_role("region", name="Tariff lines")).to_be_visible()
    opened.get_by_role("link", name="Launch this option").click()
    page.get_by_label("Environment").select_option("staging")
    expect(page.get_by_text(f"as {DEPLOYMENT}")).to_be_visible()
    expect(page.get_by_role("region", name="AWS calls in order")).to_contain_text("CreateFunction")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.get_by_role("heading", name=DEPLOYMENT, level=1)).to_be_visible()


def _state(page: Page) -> Locator:
    return page.locator("#head-state")


def _becomes(page: Page, state: str) -> None:
    """Wait for the open page to follow along, without being asked."""
    expect(_state(page)).to_contain_text(state, ignore_case=True, timeout=READY_MS)


def _call_as_printed(page: Page) -> None:
    """Run the printed Python in a process that knows nothing but where Python is."""
    page.get_by_role("tab", name="Python").click()
    code = page.get_by_label("Python", exact=True).locator("code").inner_text()
    for _ in range(3):
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={"PATH": os.defpath, "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.strip()


def _nobody_else_sees_it(page: Page) -> None:
    for path in PAGES_OF_IT:
        reply = page.goto(path)
        assert reply is not None
        assert (path, reply.status) == (path, 404)
    page.goto(f"/search/?q={FEATURE}")
    expect(page.get_by_role("main")).not_to_contain_text("Ticket triage")
    page.goto("/fleet/")
    expect(page.get_by_role("main")).not_to_contain_text(DEPLOYMENT)


def _resize(page: Page) -> None:
    page.reload()
    page.get_by_label("Memory, MB").fill("1024")
    page.get_by_role("button", name="Resize").click()
    expect(page.get_by_text("is being resized")).to_be_visible()
    expect(page.get_by_role("heading", name="Generation 2")).to_be_visible()
    expect(page.get_by_role("heading", name="Generation 1")).to_be_hidden(timeout=READY_MS)
    _becomes(page, "ready")


def _sees_its_spend(page: Page) -> None:
    page.goto(f"/features/{FEATURE}/spend/")
    used = page.get_by_role("region", name=f"What {DEPLOYMENT} used")
    _reload_until(page, used.get_by_role("row", name="output tokens"))
    _reload_until(page, used.get_by_role("row", name="Lambda requests"))
    page.goto("/spend/by/feature/")
    expect(page.get_by_role("row", name="Ticket triage")).to_be_visible()


def _reload_until(page: Page, sign: Locator) -> None:
    """Ask again until the meter has read the minute of the calls."""
    for _ in range(METERED_MS // 2_000):
        try:
            sign.wait_for(timeout=2_000)
        except NotYet:
            page.reload()
        else:
            return
    expect(sign).to_be_visible()


def _retire(page: Page) -> None:
    page.goto(f"/deployments/{DEPLOYMENT}/")
    page.get_by_role("button", name="Retire").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text(f"{DEPLOYMENT} stops answering")
    asked.get_by_role("button", name="Retire").click()
    _becomes(page, "retired")
    expect(page.get_by_text("Nothing is left of it in AWS")).to_be_visible()


def test_a_launch_over_the_budget_is_refused_with_the_figures(
    page_as: Callable[..., Page],
) -> None:
    _set_budget(page_as("finance"), "1.00")
    page = page_as("lead")
    page.goto("/features/article-summaries/workload/")
    page.get_by_role("button", name="Save and compare the options").click()
    page.get_by_role("link", name="Launch this option").first.click()
    page.get_by_label("Environment").select_option("experiment")
    expect(page.get_by_text("over budget")).to_be_visible()
    page.get_by_role("button", name="Launch", exact=True).click()
    refusal = page.get_by_role("region", name="Launch", exact=True).get_by_role("alert")
    expect(refusal).to_contain_text("1.00 USD")
    page.goto("/features/article-summaries/deployments/")
    expect(page.get_by_role("main")).not_to_contain_text("article-summaries-experiment")
    _set_budget(page_as("finance"), "200000.00")


def _set_budget(page: Page, usd: str) -> None:
    page.goto("/spend/budgets/")
    page.get_by_label("For", exact=True).select_option("newsroom")
    page.get_by_label("A month").fill(usd)
    page.get_by_role("button", name="Set the budget").click()
    expect(page.get_by_role("region", name="Budgets of this month")).to_contain_text("Newsroom")
