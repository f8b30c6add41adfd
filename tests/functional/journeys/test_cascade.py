"""A cascade in a browser and through the official client: asked, watched, changed, rolled back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from openai import AuthenticationError, OpenAI
from playwright.sync_api import Page, expect

from tests.fixtures.stack import Stack

pytestmark = pytest.mark.browser

ONE = "/cascades/supportai-production-cascade/"
SLUG = "supportai-production-cascade"
SIMPLE = "Where is my order {}?"
COMPLEX = "Analyse a year of usage of account {} and draft an agreement."


@pytest.fixture
def client(stack: Stack, page_as: Callable[..., Page]) -> Iterator[OpenAI]:
    """OpenAI's client with a key made in the browser."""
    page = page_as("platform")
    page.goto(f"{ONE}keys/")
    page.get_by_label("Name").fill("journey")
    page.get_by_role("button", name="Make the key").click()
    found = re.search(r"slwk_[0-9a-f]{8}_[\w-]+", page.content())
    assert found is not None
    gateway = json.loads((stack.home / "environment.json").read_text())["GATEWAY_URL"]
    with OpenAI(base_url=f"{gateway}/v1", api_key=found[0], max_retries=0) as made:
        _wait_for_the_key(made, page)
        yield made


def _wait_for_the_key(client: OpenAI, page: Page) -> None:
    for _ in range(40):
        try:
            client.models.list()
        except AuthenticationError:
            page.wait_for_timeout(250)
        else:
            return
    raise AssertionError("The gateway did not hear of a new key within ten seconds.")


def test_a_cascade_answers_and_every_book_agrees_on_what_it_cost(
    stack: Stack, client: OpenAI, page_as: Callable[..., Page]
) -> None:
    for number in range(12):
        text = (COMPLEX if number % 4 == 0 else SIMPLE).format(number)
        asked = [{"role": "user", "content": text}]
        if number % 2:
            pieces = list(client.chat.completions.create(model="auto", messages=asked, stream=True))
            assert "".join(each.choices[0].delta.content or "" for each in pieces if each.choices)
            assert pieces[-1].choices[0].finish_reason == "stop"
        else:
            answer = client.chat.completions.create(model="auto", messages=asked)
            assert answer.choices[0].message.content
            assert answer.usage is not None
            assert answer.usage.total_tokens > 0
    told = stack.manage("ask", "--requests", "30")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "attempts, requests, roll-ups and ledger agree" in told.stdout
    cost = re.search(r"ledger agree: ([\d.]+) USD", told.stdout)
    assert cost is not None
    page = page_as("platform")
    page.goto(f"{ONE}trials/")
    expect(page.get_by_role("row")).to_have_count(43)
    page.get_by_role("link", name=re.compile("Analyse a year of usage of account 0")).click()
    expect(page.get_by_role("heading", name="Decision")).to_be_visible()
    page.goto(ONE)
    expect(page.get_by_role("heading", name="Who answered")).to_be_visible()
    page.goto(f"/spend/ledger/?deployment={SLUG}")
    expect(page.get_by_text("cascade").first).to_be_visible()


def test_a_policy_is_drafted_replayed_tried_let_live_and_rolled_back(
    client: OpenAI, page_as: Callable[..., Page]
) -> None:
    client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": SIMPLE.format(1)}]
    )
    page = page_as("platform")
    page.goto(f"{ONE}policy/edit/")
    page.get_by_label("Accept from").first.fill("0.55")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.get_by_text("Not replayed yet")).to_be_visible()

    page.goto(f"{ONE}replays/")
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.get_by_role("heading", name="Beside its rivals")).to_be_visible(timeout=60_000)

    page.goto(f"{ONE}policy/")
    page.get_by_role("button", name="Publish as policy 2").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("as a canary")).to_be_visible()
    page.get_by_role("button", name="Let 2 answer everything").click()
    expect(page.get_by_role("heading", name="Policy 2 answers")).to_be_visible()
    page.get_by_role("button", name="Roll back to it").click()
    expect(page.get_by_role("heading", name="Policy 1 answers")).to_be_visible()


def test_an_answer_is_judged_and_stays_judged(client: OpenAI, page_as: Callable[..., Page]) -> None:
    client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": SIMPLE.format(4711)}]
    )
    page = page_as("platform")
    expect_waiting(page)
    page.get_by_label("Why").fill("It says where the order is.")
    page.get_by_role("button", name="Good").click()
    page.goto(f"{ONE}trials/?labelled=yes")
    expect(page.get_by_role("row")).to_have_count(2)


def expect_waiting(page: Page) -> None:
    """Open the review page until an answer waits there."""
    for _ in range(40):
        page.goto(f"{ONE}review/")
        if page.get_by_role("heading", name="Asked and answered").count():
            return
        page.wait_for_timeout(250)
    raise AssertionError("No answer came to be judged.")
