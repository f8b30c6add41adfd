"""The example portfolio, launched and played unattended beside the other journeys."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.functional.journeys.conftest import Played, Rest

pytestmark = pytest.mark.browser

FEATURES = ("article-summaries", "chatbot", "content-moderation", "image-captions", "tuned-model")


@pytest.fixture(scope="module")
def played(playing: Callable[[], Played]) -> Played:
    """The end of `manage.py play`."""
    return playing()


def test_all_five_run_and_the_month_to_date_equals_the_ledger(played: Played) -> None:
    assert played.code == 0, played.said
    assert "They agree to the last digit." in played.said
    by_feature = re.search(r"by feature: ([\d.]+) USD", played.said)
    ledger = re.search(r"sum of charges: +([\d.]+) USD", played.said)
    assert by_feature is not None
    assert ledger is not None
    assert Decimal(by_feature[1]) == Decimal(ledger[1]) > 0
    assert re.findall(r" ready +8 ", played.said) == [" ready             8 "] * len(FEATURES)


def test_the_ledger_over_rest_adds_up_to_the_spend_of_a_finished_deployment(
    played: Played, rest_as: Callable[..., Rest]
) -> None:
    rest = rest_as("finance", "read")
    # It is paid by the token only, so nothing is added once its requests were metered.
    charges = rest.get("charges?feature=article-summaries&limit=200").body["results"]
    booked = sum((Decimal(each["usd"]) for each in charges), Decimal(0))
    spend = rest.get("spend?by=deployment&feature=article-summaries").body
    assert Decimal(spend["total_usd"]) == booked > 0


def test_the_spend_page_shows_every_feature_that_was_played(
    played: Played, page_as: Callable[..., Page]
) -> None:
    page = page_as("finance")
    page.goto("/spend/by/feature/")
    for slug in FEATURES:
        link = page.get_by_role("main").locator(f'a[href^="/features/{slug}/spend/"]')
        expect(link.first).to_be_visible()
