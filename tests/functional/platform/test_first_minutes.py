"""A newcomer's first minutes: what `make run` prints is enough to get in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.stack import Stack

pytestmark = pytest.mark.browser


def test_the_terminal_shows_where_to_go_and_how_to_sign_in(stack: Stack) -> None:
    printed = stack.log.read_text()
    lead = stack.person("lead")
    assert f"{stack.url}/" in printed
    for word in (lead["email"], lead["password"], "Ctrl-C stops everything"):
        assert word in printed


def test_a_start_is_calm(stack: Stack) -> None:
    spoken, _ = stack.log.read_text().split("Ctrl-C stops everything", 1)
    assert "Traceback" not in spoken
    assert "ERROR" not in spoken


@pytest.mark.parametrize("role", ["lead", "member", "platform", "finance"])
def test_every_example_person_gets_in(page_as: Callable[..., Page], role: str) -> None:
    page = page_as(role)
    reply = page.goto("/")
    assert reply is not None
    assert reply.status == 200
    expect(page).not_to_have_url("**/accounts/login/**")


def test_the_pages_say_that_this_is_a_sandbox(page_as: Callable[..., Page]) -> None:
    page = page_as("lead")
    page.goto("/")
    expect(page.get_by_text("sandbox").first).to_be_visible()


def test_everything_is_ready_for_a_load_balancer(stack: Stack) -> None:
    assert stack.status_of("/health/ready/") == 200
