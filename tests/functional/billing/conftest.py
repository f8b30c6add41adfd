"""A month of spend of two teams, told to the books as a meter would."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse

from billing.domain.usage import Usage
from billing.usecases import prices
from billing.usecases.metering import record_usage
from portal.models import Feature, Team

INPUT = "bedrock:amazon.nova-lite-v1:0:us:input"
OUTPUT = "bedrock:amazon.nova-lite-v1:0:us:output"
MONTH = "2026-11"


@pytest.fixture
def moderation(moderation_team: Team, noon: datetime) -> Feature:
    """Another team's feature."""
    return Feature.objects.create(
        team=moderation_team, slug="moderation", name="Moderation", created_at=noon
    )


@pytest.fixture
def told(db: None, noon: datetime) -> Callable[..., None]:
    """Tell the books one hour of a feature's usage; each call another hour, backwards from noon."""
    prices.load_list(now=noon)
    calls: list[int] = []

    def tell(feature: Feature, **change: Any) -> None:
        calls.append(1)
        made = {
            "uid": f"event-{len(calls)}",
            "feature_id": feature.pk,
            "deployment": f"{feature.slug}-production",
            "environment": "production",
            "tier": "bedrock-on-demand",
            "model": "amazon.nova-lite-v1:0",
            "resource": "profile",
            "sku": INPUT,
            "quantity": Decimal(1_234_567),
            "unit": "token",
            "started_at": noon - timedelta(hours=len(calls)),
            "ended_at": noon - timedelta(hours=len(calls) - 1),
        }
        record_usage(usage=[Usage(**(made | change))], read_to={"meter": noon}, now=noon)

    return tell


def rows_of(reply: HttpResponse) -> Sequence[dict[str, str]]:
    """Return the rows of a CSV answer."""
    assert reply.headers["Content-Type"].startswith("text/csv")
    text = b"".join(reply.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(text.splitlines()))
