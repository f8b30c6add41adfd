"""The portfolio is the best there is, never passes a limit, and proves how good it is."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.domain.portfolio.problem import (
    MONEY,
    Choice,
    Item,
    NothingFits,
    Objective,
    Problem,
    Solution,
)
from deployments.domain.portfolio.solve import solve

SMALL_ERROR = 1e-3  # of a micro-dollar or a point: float sums of whole numbers

choices = st.builds(
    Choice,
    key=st.just("option"),
    cost_micro_usd=st.integers(0, 1000),
    value=st.integers(0, 50),
    uses=st.tuples(
        st.tuples(st.just("ml.g6e.12xlarge"), st.sampled_from([0, 0, 1, 2, 4])),
        st.tuples(st.just("model-units"), st.sampled_from([0, 0, 1])),
    ),
)
items = st.builds(
    Item, name=st.just("feature"), choices=st.lists(choices, min_size=1, max_size=5).map(tuple)
)
problems = st.builds(
    Problem,
    items=st.lists(items, min_size=1, max_size=5).map(tuple),
    limits=st.fixed_dictionaries(
        {
            MONEY: st.integers(0, 3000),
            "ml.g6e.12xlarge": st.integers(0, 8),
            "model-units": st.integers(0, 3),
        }
    ),
    objective=st.sampled_from(list(Objective)),
)


def keeps(problem: Problem, picks: tuple[Choice, ...]) -> bool:
    """Say whether picks keep every limit."""
    return all(
        sum(each.use_of(name) for each in picks) <= most for name, most in problem.limits.items()
    )


def enumerated(problem: Problem) -> int | None:
    """Return the best score of all selections that keep the limits; None when none does."""
    every = product(*(item.choices for item in problem.items))
    scores = [sum(map(problem.score, picks)) for picks in every if keeps(problem, picks)]
    return min(scores, default=None)


def solved(problem: Problem) -> Solution | None:
    """Return the solution; None when it is proven that nothing fits."""
    try:
        return solve(problem)
    except NothingFits as nothing:
        if nothing.is_proven:
            return None
        raise


@settings(max_examples=300)
@given(problem=problems)
def test_the_answer_is_that_of_trying_everything(problem: Problem) -> None:
    found, best = solved(problem), enumerated(problem)
    assert (found.score if found else None) == best
    if found:
        assert keeps(problem, found.picks)
        assert found.score - found.bound <= SMALL_ERROR


@settings(max_examples=100)
@given(problem=problems, more=st.integers(0, 500))
def test_more_budget_never_makes_it_worse(problem: Problem, more: int) -> None:
    richer = replace(problem, limits={**problem.limits, MONEY: problem.limits[MONEY] + more})
    before, after = solved(problem), solved(richer)
    if before is not None:
        assert after is not None
        assert after.score <= before.score


def many(count: int) -> Problem:
    """Return a problem of many features whose value and cost go together, which is hard."""
    made = []
    for number in range(count):
        size = 1 + (number * 7919) % 97
        made.append(
            Item(
                f"feature-{number}",
                tuple(
                    Choice(
                        key=str(level),
                        cost_micro_usd=size * level * 1_000 + (number * level * 31) % 977,
                        value=size * level * 10 + (number * 17 + level * 5) % 23,
                        uses=(("gpu", (number + level) % 3),),
                    )
                    for level in range(8)
                ),
            )
        )
    total = sum(item.choices[-1].cost_micro_usd for item in made)
    return Problem(tuple(made), {MONEY: total // 2, "gpu": count}, Objective.VALUE)


def test_a_large_portfolio_is_proven_to_a_ten_thousandth() -> None:
    problem = many(300)
    found = solve(problem)
    assert keeps(problem, found.picks)
    assert found.gap <= 1e-4
    assert found.prices[MONEY] > 0


def test_what_no_swap_of_two_reaches_is_found_and_proven_the_best() -> None:
    """Value that hardly follows cost: the closing search looks at all that may still be better."""
    dice = random.Random(7)
    items = []
    for number in range(200):
        size = dice.lognormvariate(0, 1.2)
        costs = [int(size * dice.lognormvariate(4.5, 0.8) * 1e6) for _ in range(20)]
        values = [int((cost / 1e6) ** 0.7 * dice.lognormvariate(0, 0.5) * 1000) for cost in costs]
        priced = [
            Choice(str(value), cost, value) for cost, value in zip(costs, values, strict=True)
        ]
        items.append(Item(f"feature-{number}", (Choice("", 0), *priced)))
    most = sum(sorted(each.cost_micro_usd for each in item.choices)[10] for item in items)
    problem = Problem(tuple(items), {MONEY: int(most * 0.6)}, Objective.VALUE)
    found = solve(problem)
    assert keeps(problem, found.picks)
    assert found.gap <= 1e-9


def test_the_price_of_money_is_what_a_little_more_brings() -> None:
    problem = many(300)
    found, extra = solve(problem), 2_000_000
    richer = solve(
        replace(problem, limits={**problem.limits, MONEY: problem.limits[MONEY] + extra})
    )
    gained = richer.value - found.value
    assert gained == pytest.approx(found.prices[MONEY] * extra, rel=0.2)


def test_a_feature_that_fits_nowhere_is_named() -> None:
    dear = Item("captions", (Choice("gpu", 900),))
    with pytest.raises(NothingFits, match="captions") as refused:
        solve(Problem((dear,), {MONEY: 100}))
    assert refused.value.is_proven


def test_what_fits_alone_and_not_together_is_proven_too() -> None:
    each = (Choice("gpu", 60),)
    with pytest.raises(NothingFits) as refused:
        solve(Problem((Item("a", each), Item("b", each)), {MONEY: 100}))
    assert refused.value.is_proven


def test_no_features_cost_nothing() -> None:
    assert solve(Problem((), {MONEY: 0})).picks == ()
