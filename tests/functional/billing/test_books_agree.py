"""One figure everywhere: ledger, roll-ups, page, CSV and REST, whatever was metered."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Sum
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from billing.domain.usage import Usage
from billing.models import Charge, SpendDay, SpendHour
from billing.usecases import prices
from billing.usecases.metering import record_usage
from portal.models import Feature, User
from tests.functional.billing.conftest import INPUT, MONTH, OUTPUT, rows_of

SKUS = {
    INPUT: "token",
    OUTPUT: "token",
    "lambda:arm64:gb-second": "gb-second",
    "bedrock-pt:amazon.nova-lite-v1:0:none:unit-second": "second",
}

event = st.fixed_dictionaries(
    {
        "uid": st.sampled_from([f"event-{number}" for number in range(12)]),
        "deployment": st.sampled_from(["a-production", "a-staging"]),
        "tier": st.sampled_from(["bedrock-on-demand", "lambda-bedrock"]),
        "sku": st.sampled_from(sorted(SKUS)),
        "quantity": st.decimals(0, 10**12, places=9),
        "hour": st.integers(0, 72),
    }
)


@pytest.fixture
def person(signed_in: Callable[[User], Client], controller: User) -> Client:
    """Finance in the browser."""
    return signed_in(controller)


@pytest.fixture
def robot(api: Callable[[User], APIClient], controller: User) -> APIClient:
    """Finance over REST."""
    return api(controller)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(event, max_size=8), min_size=1, max_size=4))
def test_ledger_roll_ups_page_csv_and_rest_show_one_figure(
    feature: Feature,
    moderation: Feature,
    person: Client,
    robot: APIClient,
    noon: datetime,
    batches: list[list[dict[str, object]]],
) -> None:
    with transaction.atomic():
        prices.load_list(now=noon)
        seen: dict[str, Usage] = {}
        for batch in [*batches, batches[0]]:
            usage = [_usage(one, feature, moderation, noon) for one in batch]
            for one in usage:
                seen.setdefault(one.uid, one)
            record_usage(usage=usage, read_to={}, now=noon)
        tables = (Charge, SpendHour, SpendDay)
        figures = {
            table.objects.aggregate(usd_=Sum("usd"))["usd_"] or Decimal(0) for table in tables
        }
        page = person.get(f"/spend/ledger/?month={MONTH}").content.decode()
        figures.add(Decimal(re.search(r'id="total">([\d.]+)<', page)[1]))  # type: ignore[index]
        for reply in (
            person.get(f"/spend/ledger/?month={MONTH}&format=csv"),
            person.get(f"/spend/by/tier/?month={MONTH}&format=csv"),
            robot.get(f"/api/v1/charges?month={MONTH}&format=csv"),
            robot.get("/api/v1/spend", {"month": MONTH, "by": "day", "format": "csv"}),
        ):
            figures.add(sum((Decimal(row["usd"]) for row in rows_of(reply)), Decimal(0)))
        for by in ("team", "feature", "tier", "model", "environment", "deployment", "day"):
            answer = robot.get("/api/v1/spend", {"month": MONTH, "by": by}).json()
            figures.add(Decimal(answer["total_usd"]))
            figures.add(sum((Decimal(one["usd"]) for one in answer["results"]), Decimal(0)))
        assert len(figures) == 1
        quantity = Charge.objects.aggregate(total=Sum("quantity"))["total"] or Decimal(0)
        assert quantity == sum((one.quantity for one in seen.values()), Decimal(0))
        transaction.set_rollback(True)


def _usage(one: dict[str, object], feature: Feature, other: Feature, noon: datetime) -> Usage:
    start = noon - timedelta(hours=int(str(one["hour"])) + 1)
    sku = str(one["sku"])
    return Usage(
        uid=str(one["uid"]),
        feature_id=(feature if one["deployment"] == "a-production" else other).pk,
        deployment=str(one["deployment"]),
        environment="production",
        tier=str(one["tier"]),
        model="",
        resource="r",
        sku=sku,
        quantity=Decimal(str(one["quantity"])),
        unit=SKUS[sku],
        started_at=start,
        ended_at=start + timedelta(hours=1),
    )
