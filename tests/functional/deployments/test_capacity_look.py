"""Capacity plans in a real browser: both themes, desk and phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser

from billing.usecases import prices as price_usecases
from deployments.models import CapacityPlan
from portal.models import Team, User
from tests.functional.deployments.test_capacity_pages import EXAMPLE, SMALL
from tests.functional.deployments.test_workload_look import PHONE, complaints, opened

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_nobody_is_kept_out_of_a_plan(
    browser: Browser,
    axe_source: str,
    signed_in: Callable[[User], Client],
    member: User,
    chat_team: Team,
    theme: str,
    viewport: dict[str, int],
    eager_tasks: None,
) -> None:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    client = signed_in(member)
    pages = [
        client.post("/capacity/", SMALL, follow=True),
        client.post("/capacity/", EXAMPLE | {"team": "chat"}, follow=True),
        client.get("/capacity/"),
        client.post("/capacity/", SMALL | {"mean_rps": "many", "layers": "3"}),
        client.post(f"/capacity/{CapacityPlan.objects.order_by('pk')[0].pk}/load-point/", {}),
    ]

    for reply in pages:
        page = opened(browser, reply.content, color_scheme=theme, viewport=viewport)
        page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
        assert complaints(page, axe_source) == []
        page.context.close()
