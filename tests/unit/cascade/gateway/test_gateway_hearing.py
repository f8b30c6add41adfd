"""An earlier stage's answer is a second opinion on the next one's."""

from __future__ import annotations

from typing import Any

from cascade.adapters.memory import Act
from tests.unit.cascade.gateway.counter import (
    GOOD,
    HEDGE,
    Desk,
    asking,
    policy,
    run,
    said,
    snapshot,
)

SAME = "The order left our warehouse this morning and arrives tomorrow before noon."
OTHER = "Nobody knows the parcel's whereabouts; somebody mislaid every shipping document."


def test_an_earlier_answer_speaks_for_or_against_the_next_at_no_cost() -> None:
    looks: dict[str, Any] = {}

    async def work(found: Desk) -> None:
        for answer in (SAME, OTHER):
            found.scripts(small=[Act(answer=said(GOOD))], medium=[Act(answer=said(answer))])
            await found.ask()
            attempts, trials = await found.settled()
            assert {each.role for each in attempts} == {"stage"}
            looks[answer] = trials[-1].tried[1]

    run(work, snapshot(policy(stages=asking(0.99), hears_earlier=True)))
    same, other = looks[SAME], looks[OTHER]
    assert same["alone"] < same["score"]
    assert other["score"] < other["alone"]
    assert same["like"]["small"][1] == "text"
    assert same["like"]["small"][0] > 0.6 > 0.2 > other["like"]["small"][0]
    assert "Stage small agrees by" in same["findings"][-1]["words"]


def test_where_earlier_answers_do_not_count_they_are_laid_beside_all_the_same() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(GOOD))], medium=[Act(answer=said(SAME))])
        await found.ask()
        _, trials = await found.settled()
        _, medium, large = trials[0].tried
        assert medium["like"]["small"][0] > 0.6
        assert "alone" not in medium
        assert "like" not in large

    run(work, snapshot(policy(stages=asking(0.99))))


def test_what_refuses_is_no_second_opinion() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))], medium=[Act(answer=said(GOOD))])
        await found.ask()
        _, trials = await found.settled()
        assert "like" not in trials[0].tried[1]

    run(work, snapshot(policy(stages=asking(0.99), hears_earlier=True)))
