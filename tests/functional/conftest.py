"""What journeys need: a running Slipway, Chromium, and people signed in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests import environment
from tests.fixtures.stack import Stack, running

SHARE_OF_LOG = 8000


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole of Slipway with the example portfolio, shared by the journeys of this session."""
    with running("stack") as started:
        yield started


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of Slipway's logs under a journey that failed."""
    outcome: Any = yield
    report = outcome.get_result()
    found = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(found, Stack):
        for path in (found.log, *sorted((found.home / "logs").glob("*.log"))):
            report.sections.append((path.name, path.read_text(errors="replace")[-SHARE_OF_LOG:]))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Drive the system's Chromium, as root too, and without traffic of its own."""
    home = environment.HOME / "chromium"
    home.mkdir(exist_ok=True)
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get("CHROMIUM") or "/usr/bin/chromium",
        "env": {**os.environ, "HOME": os.environ.get("HOME") or str(home)},
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ],
    }


@pytest.fixture(scope="session")
def signed_in_state(stack: Stack, browser: Browser) -> Callable[[str], Any]:
    """Return the cookies of a person with a role, who signed in through the form once."""
    states: dict[str, Any] = {}

    def state_of(role: str) -> Any:
        if role not in states:
            person = stack.person(role)
            context = browser.new_context(base_url=stack.url)
            page = context.new_page()
            page.goto("/accounts/login/")
            page.fill("input[name=login]", person["email"])
            page.fill("input[name=password]", person["password"])
            page.press("input[name=password]", "Enter")
            page.wait_for_url(lambda url: "/accounts/login" not in url)
            states[role] = context.storage_state()
            context.close()
        return states[role]

    return state_of


@pytest.fixture
def page_as(
    stack: Stack, browser: Browser, signed_in_state: Callable[[str], Any]
) -> Iterator[Callable[..., Page]]:
    """Return a page on which a person with a role is signed in: `page_as("lead")`.

    More words go to the browser's context, as in `page_as("lead", color_scheme="dark")`.
    """
    contexts: list[BrowserContext] = []

    def open_page(role: str, **options: Any) -> Page:
        state = signed_in_state(role)
        context = browser.new_context(base_url=stack.url, storage_state=state, **options)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checker, to be evaluated in a page before `axe.run()`."""
    (found,) = (Path(__file__).parents[1] / "vendor").glob("axe-core-*/axe.min.js")
    return found.read_text()
