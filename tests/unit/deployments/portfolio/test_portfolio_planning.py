"""A portfolio says what it takes, what was traded, what more would bring and what must give."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from deployments.domain.portfolio.asking import Candidate, Candidates, Wish
from deployments.domain.portfolio.candidate import candidate_from_json
from deployments.domain.portfolio.planning import plan
from deployments.domain.portfolio.problem import Objective
from deployments.domain.records import option_to_json
from tests.unit.deployments.advice_facts import ask, of_scenario, scenario


def candidate(
    tier: str, usd: int | None, *, broken: str = "", is_soft: bool = True, **uses: int
) -> Candidate:
    return Candidate(
        option_id=f"{tier}/{usd}",
        tier=tier,
        summary=f"{tier} for {usd}",
        usd=None if usd is None else Decimal(usd),
        broken=(broken,) if broken else (),
        is_soft=is_soft,
        uses=tuple(uses.items()),
    )


CHAT = Candidates(
    "chat",
    "Chat",
    (
        candidate("ecs-service", 100, gpus=2),
        candidate("bedrock-on-demand", 300),
        candidate("sagemaker-real-time", 40, broken="Too slow by 50 ms."),
    ),
    tree_pick="bedrock-on-demand/300",
    running="Chat today",
    running_usd=Decimal(500),
)
SCORES = Candidates("scores", "Scores", (candidate("ecs-service", 200, gpus=2),))


def test_the_cheapest_that_shares_the_limits_is_taken_and_the_trade_is_said() -> None:
    found = plan(features=(CHAT, SCORES), wish=Wish(Decimal(1000), limits={"gpus": 2}))
    assert [each.option_id for each in found.picks] == ["bedrock-on-demand/300", "ecs-service/200"]
    assert (found.usd, found.gap) == (Decimal(500), Decimal(0))
    assert "Alone it would take ecs-service for 100" in found.picks[0].traded
    assert found.picks[0].running_usd == 500


def test_one_more_of_a_limit_says_what_it_saves() -> None:
    found = plan(features=(CHAT, SCORES), wish=Wish(Decimal(1000), limits={"gpus": 3}))
    assert found.shadow == (
        "The budget does not bind: 500.00 USD are left; more would change nothing.",
        "One more gpus would save 200.00 USD a month.",
    )


def test_a_budget_too_small_says_how_much_more_and_what_may_be_accepted_instead() -> None:
    found = plan(features=(CHAT, SCORES), wish=Wish(Decimal(250)))
    assert not found.fits
    assert found.gap is None
    assert found.relaxations == (
        "With 50.00 USD more, 300.00 USD a month, every constraint can be kept.",
        "Within the limits, for 240.00 USD a month, when Chat takes sagemaker-real-time for 40 "
        "(Too slow by 50 ms.).",
    )


def test_a_feature_without_a_feasible_option_is_named_with_its_nearest() -> None:
    slow = Candidates("slow", "Slow", (candidate("ecs-service", 80, broken="Too slow."),))
    found = plan(features=(CHAT, slow), wish=Wish(Decimal(1000)))
    assert not found.fits
    assert found.relaxations[0] == (
        "Slow: the nearest is ecs-service for 80, 80.00 USD a month. Too slow."
    )


def test_value_takes_what_matters_most_and_leaves_the_rest_out() -> None:
    wish = Wish(Decimal(200), Objective.VALUE, priorities={"chat": 5, "scores": 90})
    found = plan(features=(CHAT, SCORES), wish=wish)
    assert [each.option_id for each in found.picks] == ["", "ecs-service/200"]
    assert found.value == 90
    assert "left out" in found.picks[0].summary
    assert found.shadow[0] == "The next 1,000.00 USD of budget would bring features of priority 5."


def test_only_what_a_launch_builds_is_taken_when_that_is_asked() -> None:
    unbuilt = replace(candidate("ecs-service", 10), is_launchable=False)
    one = Candidates("one", "One", (unbuilt, candidate("sagemaker-real-time", 30)))
    assert plan(features=(one,), wish=Wish(Decimal(100))).usd == 10
    assert plan(features=(one,), wish=Wish(Decimal(100), launchable_only=True)).usd == 30


def test_commitments_longer_than_accepted_are_not_taken() -> None:
    bound = replace(candidate("bedrock-provisioned", 10), commitment_months=6)
    one = Candidates("one", "One", (bound, candidate("bedrock-on-demand", 20)))
    free = plan(features=(one,), wish=Wish(Decimal(100)))
    short = plan(features=(one,), wish=Wish(Decimal(100), longest_commitment_months=1))
    assert (free.usd, short.usd) == (Decimal(10), Decimal(20))


def test_rivals_say_what_they_cost_what_they_lack_and_what_they_break() -> None:
    found = plan(features=(CHAT, SCORES), wish=Wish(Decimal(1000)))
    tree, on_demand, gpu = found.rivals
    assert (tree.usd, tree.missing, tree.is_within_budget) == (Decimal(300), ("Scores",), True)
    assert (on_demand.usd, on_demand.missing) == (Decimal(300), ("Scores",))
    assert gpu.broken == ("Chat: Too slow by 50 ms.",)


def test_scenario_a_fits_under_its_budget_with_proof() -> None:
    features = []
    for slug, feature in scenario().items():
        ranked = ask(of_scenario(slug))
        options = tuple(candidate_from_json(option_to_json(each)) for each in ranked.options)
        features.append(Candidates(slug, feature["name"], options, ranked.tree_pick))
    found = plan(features=features, wish=Wish(Decimal(200_000)))
    assert found.fits
    assert found.gap == 0
    assert found.usd < 200_000
    assert all(each.option_id for each in found.picks)
    tree = found.rivals[0]
    assert any("Content moderation" in each for each in (*tree.broken, *tree.missing))
    # Under a tighter budget the least that must give is said, and value finds what still fits.
    tight = plan(features=features, wish=Wish(Decimal(60_000)))
    assert not tight.fits
    assert "more" in tight.relaxations[0]
    most = plan(features=features, wish=Wish(Decimal(60_000), Objective.VALUE))
    assert most.fits
    assert most.gap is not None
    assert most.gap < Decimal("0.0001")
    assert most.usd <= 60_000
