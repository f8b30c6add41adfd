"""Several meters at once: nothing is counted twice, nothing is lost, nobody waits in a ring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections

from billing.domain.usage import Usage
from billing.models import Charge, UsageEvent
from billing.usecases import prices
from billing.usecases.metering import record_usage
from portal.access import SYSTEM
from tests.integration.billing.conftest import UNPRICED

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("price_list")]


def test_meters_that_send_the_same_in_any_order_count_it_once(
    used: Callable[..., Usage], sums: Callable[[], set[Decimal]], noon: datetime
) -> None:
    batch = [
        used(
            f"event-{number}",
            deployment=f"d-{number % 7}",
            started_at=noon - timedelta(hours=number % 5 + 1),
            ended_at=noon - timedelta(hours=number % 5),
        )
        for number in range(210)
    ]

    def send(order: Sequence[Usage]) -> int:
        try:
            return record_usage(usage=order, read_to={"a": noon, "b": noon}, now=noon).new
        finally:
            connections.close_all()

    orders = [batch, batch[::-1], batch[100:] + batch[:100], batch[::2] + batch[1::2]]
    with ThreadPoolExecutor(max_workers=4) as pool:
        new = sum(pool.map(send, orders * 2))
    assert new == UsageEvent.objects.count() == 210
    assert sums() == {Decimal("0.06") * 210}


def test_a_quote_that_comes_while_usage_comes_leaves_nothing_waiting(
    used: Callable[..., Usage], sums: Callable[[], set[Decimal]], noon: datetime
) -> None:
    def send(number: int) -> None:
        try:
            hour = used(f"unit-{number}", sku=UNPRICED, unit="second", quantity=Decimal(3600))
            record_usage(usage=[hour], read_to={}, now=noon)
        finally:
            connections.close_all()

    def quote() -> None:
        try:
            prices.enter_quote(
                actor=SYSTEM,
                region="us-east-1",
                sku=UNPRICED,
                usd=Decimal(10),
                source="Quote 12",
                as_of=noon.date(),
                now=noon,
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=5) as pool:
        sent = [pool.submit(send, number) for number in range(12)]
        entered = pool.submit(quote)
        sent += [pool.submit(send, number) for number in range(12, 24)]
        for each in (*sent, entered):
            each.result()
    assert sums() == {Decimal(240)}
    assert not Charge.objects.filter(price=None, correction=None).exists()
