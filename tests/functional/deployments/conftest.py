"""Launches to look at, on a pretend cloud: the clock is the wall's, as the faces read it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.models import Feature
from tests.integration.deployments.drill import Clock, Drill


@pytest.fixture
def drill(feature: Feature) -> Drill:
    """The chat team's chatbot, with 10,000 USD a month to spend."""
    made = Drill(feature=feature, clock=Clock(timezone.now()))
    made.budget(10_000)
    return made
