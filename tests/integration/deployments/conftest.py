"""The drill, on a feature of the chat team with money to spend."""

from __future__ import annotations

from datetime import datetime

import pytest

from portal.models import Feature
from tests.integration.deployments.drill import Clock, Drill


@pytest.fixture
def drill(feature: Feature, noon: datetime) -> Drill:
    made = Drill(feature=feature, clock=Clock(noon))
    made.budget(10_000)
    return made
