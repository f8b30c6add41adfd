"""The example's cascade: a support team whose three stages answer, and no key lying about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from billing.models import Budget
from cascade.models import Cascade, FeatureLimit, PolicyVersion, Rollout, VirtualKey
from cascade.queries.cascades import standing_of
from cascade.usecases import example
from deployments.usecases import example as organisation
from portal.models import Feature, Membership, Team

pytestmark = pytest.mark.django_db(transaction=True)


def counts() -> list[int]:
    rows: tuple[Any, ...] = (
        Team, Membership, Feature, Budget, FeatureLimit, Cascade, PolicyVersion, Rollout
    )  # fmt: skip
    return [each.objects.count() for each in rows]


def test_supportai_answers_with_three_stages_inside_a_budget(noon: datetime) -> None:
    organisation.install(key="content-ai", password="a long password", now=noon)
    cascade = example.install(key="content-ai", now=noon)
    assert cascade is not None
    standing = standing_of(cascade=cascade)
    assert standing is not None
    assert [stage["name"] for stage in standing.live.body["stages"]] == [
        "small", "medium", "large"
    ]  # fmt: skip
    assert FeatureLimit.objects.get(feature__slug="supportai").monthly_usd == 5000
    held = Membership.objects.get(team__slug="support", role="lead")
    assert held.user.email == "lead@content-ai.example"
    assert not VirtualKey.objects.exists()
    before = counts()
    example.install(key="content-ai", now=noon)
    assert counts() == before


def test_a_scenario_without_a_cascade_gets_none(noon: datetime) -> None:
    organisation.install(key="finance-ai", password="a long password", now=noon)
    assert example.install(key="finance-ai", now=noon) is None
    assert not Cascade.objects.exists()
