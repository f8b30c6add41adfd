"""Portfolio plans, and a capacity plan under way, in a browser: themes, phone, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser

from billing.usecases import budgets, prices
from deployments.usecases import advice, workloads
from portal.access import SYSTEM
from portal.models import Feature, Team, User
from tests.functional.deployments.test_capacity_pages import SMALL
from tests.functional.deployments.test_workload_look import PHONE, complaints, opened
from tests.functional.portal.world import WORKLOAD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ASKED = {"team": "chat", "objective": "cost", "limits": "ml.p5.4xlarge = 4"}


@pytest.fixture
def browsing(
    feature: Feature, moderation_team: Team, signed_in: Callable[[User], Client], lead: User
) -> Client:
    """A lead of the chat team, whose chatbot was compared."""
    now = timezone.now() - timedelta(days=1)
    prices.load_list(now=now)
    budgets.set_budget(actor=SYSTEM, team=feature.team, monthly_usd=Decimal(200_000), now=now)
    given = workloads.read(given=WORKLOAD)
    workloads.describe(actor=SYSTEM, feature=feature, workload=given, now=now)
    advice.recommend(actor=SYSTEM, feature=feature, now=now)
    return signed_in(lead)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_nobody_is_kept_out_of_a_portfolio(
    browser: Browser, axe_source: str, browsing: Client, theme: str, viewport: dict[str, int]
) -> None:
    pages = [
        browsing.get("/portfolio/"),
        browsing.post("/portfolio/", ASKED, follow=True),
        browsing.post("/portfolio/", ASKED | {"budget_usd": "1"}, follow=True),
        browsing.post("/portfolio/", ASKED | {"limits": "plenty"}),
        browsing.get("/portfolio/"),
        browsing.post("/capacity/", SMALL, follow=True),
        browsing.get("/moves/"),
        browsing.get("/probes/"),
    ]

    for reply in pages:
        page = opened(browser, reply.content, color_scheme=theme, viewport=viewport)
        page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
        assert complaints(page, axe_source) == []
        page.context.close()


def test_a_portfolio_is_asked_for_and_read_without_scripts(
    browser: Browser, browsing: Client
) -> None:
    def seen(reply: Any) -> str:
        page = opened(browser, reply.content, java_script_enabled=False)
        said = page.get_by_role("main").inner_text()
        page.context.close()
        return said

    form = seen(browsing.get("/portfolio/"))
    plan = seen(browsing.post("/portfolio/", ASKED, follow=True))
    under_way = seen(browsing.post("/capacity/", SMALL, follow=True))

    assert "Plan the portfolio" in form
    assert "Proven: nothing cheaper keeps every limit, exactly." in plan
    assert "All on GPU endpoints" in plan
    assert "Look again" in under_way
