"""A cascade with one of everything, as its pages show it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from billing.usecases import prices
from portal.access import Actor
from portal.models import Feature
from tests.functional.portal import cascade_world


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def priced(transactional_db: None, now: datetime) -> None:
    prices.load_list(now=now)


@pytest.fixture
def world(priced: None, feature: Feature, actor_of_lead: Actor, now: datetime) -> dict[str, Any]:
    return cascade_world.build(actor=actor_of_lead, feature=feature, now=now)
