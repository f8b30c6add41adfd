"""A cascade of the chat team with prices in the books, and ways to fill its log."""

from __future__ import annotations

from datetime import datetime

import pytest

from billing.usecases import prices
from cascade.models import Cascade
from cascade.usecases import cascades, policies, rollouts
from portal.access import Actor
from portal.models import Feature


@pytest.fixture
def priced(db: None, noon: datetime) -> None:
    """The price list of this release, in force at noon."""
    prices.load_list(now=noon)


@pytest.fixture
def cascade(priced: None, feature: Feature, actor_of_lead: Actor, noon: datetime) -> Cascade:
    """The chatbot's cascade in production, with the suggested draft."""
    return cascades.create_cascade(
        actor=actor_of_lead, feature=feature, environment="production", now=noon
    )


@pytest.fixture
def answering(cascade: Cascade, actor_of_lead: Actor, noon: datetime) -> Cascade:
    """The cascade with its first policy live."""
    policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=1, now=noon)
    return cascade
