"""Usage to book, and sums to compare."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from billing.domain.usage import Usage
from billing.models import Charge, SpendDay, SpendHour
from billing.usecases import prices
from portal.models import Feature

INPUT = "bedrock:amazon.nova-lite-v1:0:us:input"  # 0.06 USD a million
UNPRICED = "bedrock-pt:amazon.nova-lite-v1:0:one-month:unit-second"


@pytest.fixture
def price_list(db: None, noon: datetime) -> None:
    """The product's prices, loaded."""
    prices.load_list(now=noon)


@pytest.fixture
def used(feature: Feature, noon: datetime) -> Callable[..., Usage]:
    """Make usage of the hour before noon, with any of it changed."""

    def make(uid: str = "one", **change: Any) -> Usage:
        made = {
            "uid": uid,
            "feature_id": feature.pk,
            "deployment": "chatbot-production",
            "environment": "production",
            "tier": "bedrock-on-demand",
            "model": "amazon.nova-lite-v1:0",
            "resource": "profile/chatbot",
            "sku": INPUT,
            "quantity": Decimal(1_000_000),
            "unit": "token",
            "started_at": noon - timedelta(hours=1),
            "ended_at": noon,
        }
        return Usage(**(made | change))

    return make


@pytest.fixture
def sums() -> Callable[[], set[Decimal]]:
    """Return what the ledger and both roll-ups add up to: one figure when all is well."""

    def add_up() -> set[Decimal]:
        tables = (Charge, SpendHour, SpendDay)
        return {table.objects.aggregate(usd_=Sum("usd"))["usd_"] or Decimal(0) for table in tables}

    return add_up
