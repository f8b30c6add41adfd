"""The invoices computed by hand, through the whole of the books."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum

from billing.domain import skus
from billing.domain.money import month_named
from billing.domain.usage import Usage
from billing.models import Charge, SpendDay
from billing.usecases import prices
from billing.usecases.metering import record_usage
from portal.access import Actor
from portal.models import Feature

TESTS = Path(__file__).resolve().parents[2]
INVOICES = json.loads((TESTS / "unit" / "billing" / "golden_invoices.json").read_text())


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: invoice["name"])
@pytest.mark.usefixtures("price_list")
def test_an_invoice_computed_by_hand_comes_out_of_the_books_to_the_cent(
    invoice: dict[str, Any], feature: Feature, actor_of_controller: Actor
) -> None:
    month = month_named(invoice["month"])
    for quote in invoice["quotes"]:
        day = date.fromisoformat(quote["as_of"])
        prices.enter_quote(
            actor=actor_of_controller,
            region="us-east-1",
            sku=quote["sku"],
            usd=Decimal(quote["usd"]),
            source="a golden invoice",
            as_of=day,
            now=month.starts_at + timedelta(days=day.day - 1),
        )
    usage = [
        Usage(
            uid=f"{number}-{hour}",
            feature_id=feature.pk,
            deployment="chatbot-production",
            environment="production",
            tier="any",
            model="",
            resource="r",
            sku=line["sku"],
            quantity=Decimal(line["per_hour"]),
            unit=skus.unit_of(line["sku"]).name,
            started_at=month.starts_at + timedelta(hours=hour),
            ended_at=month.starts_at + timedelta(hours=hour + 1),
        )
        for number, line in enumerate(invoice["usage"])
        for hour in range(line["hours"])
    ]
    recorded = record_usage(usage=usage, read_to={}, now=month.ends_at)
    assert (recorded.new, recorded.refused) == (len(usage), ())
    total = SpendDay.objects.filter(day__range=(month.first, month.last)).aggregate(
        usd_=Sum("usd")
    )["usd_"]
    assert total.quantize(Decimal("0.01")) == Decimal(invoice["usd"]), invoice["working"]
    waiting = set(Charge.objects.filter(price=None).values_list("sku", flat=True))
    assert waiting == set(invoice["unpriced"])
