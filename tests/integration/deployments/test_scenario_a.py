"""Scenario A: five features, 10 million pieces of content a day, 200,000 USD a month."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from deployments.domain.options import LAUNCHABLE
from deployments.domain.portfolio.asking import Portfolio, Rival
from deployments.models import PortfolioPlan
from deployments.queries.portfolio import portfolio_of
from deployments.usecases import advice, example, portfolio
from portal.access import SYSTEM
from portal.models import Feature

pytestmark = pytest.mark.django_db(transaction=True)
BUDGET = Decimal(200_000)


@pytest.fixture
def compared(noon: datetime) -> None:
    """The example organisation as it is seeded, each feature compared once."""
    example.install(key="content-ai", password="a long password", now=noon)
    for feature in Feature.objects.all():
        advice.recommend(actor=SYSTEM, feature=feature, now=noon)


def planned(now: datetime, **given: object) -> Portfolio:
    return portfolio_of(portfolio.plan_portfolio(actor=SYSTEM, team=None, given=given, now=now))


def rival(found: Portfolio, name: str) -> Rival:
    return next(each for each in found.rivals if each.name == name)


def test_five_features_fit_and_nothing_cheaper_would(compared: None, noon: datetime) -> None:
    found = planned(noon)

    assert found.fits
    assert [pick.option_id for pick in found.picks if not pick.option_id] == []
    assert len(found.picks) == 5
    assert found.usd == sum(pick.usd for pick in found.picks)
    assert 40_000 < found.usd < BUDGET
    assert found.gap == 0
    assert "5 of 5 features" in found.sentences[0]
    assert found.sentences[1] == "Proven: nothing cheaper keeps every limit, exactly."
    assert PortfolioPlan.objects.get().budget_usd == BUDGET


def test_the_sources_picks_blow_the_budget_and_miss_the_objectives(
    compared: None, noon: datetime
) -> None:
    found = planned(noon)
    tree = rival(found, "The decision tree's picks")

    assert tree.usd > 5 * BUDGET
    assert not tree.is_within_budget
    assert tree.examples == ("Content moderation",)  # no public price: the quote is an example
    assert any(each.startswith("Content moderation: Estimated") for each in tree.broken)
    assert any("functions running at once" in each for each in tree.broken)


def test_one_way_for_all_is_dearer_or_does_not_do(compared: None, noon: datetime) -> None:
    found = planned(noon)
    on_demand, gpus = rival(found, "All on-demand"), rival(found, "All on GPU endpoints")

    assert on_demand.usd > found.usd
    assert on_demand.missing == ("Custom fine-tuned model",)
    assert any("the objective is 200 ms" in each for each in on_demand.broken)
    assert gpus.usd > found.usd
    assert any(each.startswith("Chatbot responses: Scores") for each in gpus.broken)


def test_no_managed_model_moderates_within_200_ms(compared: None, noon: datetime) -> None:
    row = Feature.objects.get(slug="content-moderation").recommendations.get()

    assert any("No managed model answers within 200 ms" in each for each in row.explanation)
    assert row.pick.startswith(("ecs-service/", "sagemaker-real-time/"))


def test_what_a_launch_builds_today_fits_too_for_little_more(
    compared: None, noon: datetime
) -> None:
    whole, built = planned(noon), planned(noon, launchable_only=True)

    assert built.fits
    assert whole.usd < built.usd < whole.usd * Decimal("1.2")
    assert {pick.tier for pick in built.picks} <= set(LAUNCHABLE)


def test_a_budget_too_small_says_what_would_have_to_give(compared: None, noon: datetime) -> None:
    tight = planned(noon, budget_usd="60000")
    by_value = planned(
        noon, budget_usd="60000", objective="value", priorities={"content-moderation": 50}
    )

    assert not tight.fits
    assert any("every constraint can be kept" in each for each in tight.relaxations)
    assert by_value.fits
    left_out = [pick.feature for pick in by_value.picks if not pick.option_id]
    assert left_out == ["tuned-model"]
    assert by_value.usd <= 60_000


def test_a_quota_moves_what_stands_on_it_and_says_what_one_more_would_save(
    compared: None, noon: datetime
) -> None:
    free = planned(noon)
    held = planned(noon, limits={"p5.4xlarge": 0, "ml.p5.4xlarge": 4})

    assert held.fits
    assert held.usd > free.usd
    assert any(pick.traded for pick in held.picks)
    assert any(each.startswith("One more ml.p5.4xlarge") for each in held.shadow)
