"""An earlier stage's answer is a second opinion on the next one's."""

from __future__ import annotations

from typing import Any

import pytest

from cascade.adapters.memory import Act
from cascade.domain.gate import agreement
from tests.unit.cascade.gateway.counter import (
    GOOD,
    HEDGE,
    LARGE,
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


def test_who_speaks_after_it_speaks_of_the_score_alone_too() -> None:
    """So a replay without hearing still knows what the partner said."""

    async def work(found: Desk) -> None:
        found.scripts(
            small=[Act(answer=said(GOOD))],
            medium=[Act(answer=said(SAME))],
            large=[Act(answer=said(OTHER))],
        )
        await found.ask()
        _, trials = await found.settled()
        medium = trials[0].tried[1]
        assert medium["alone"] < medium["score"] < before["score"]
        assert medium["alone"] < before["alone"]

    async def first(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(GOOD))], medium=[Act(answer=said(SAME))])
        await found.ask()
        _, trials = await found.settled()
        before.update(trials[0].tried[1])

    before: dict[str, Any] = {}
    run(first, snapshot(policy(stages=asking(0.99), hears_earlier=True)))
    stages = asking(0.99)
    stages[1] |= {
        "partner": {"kind": "bedrock", "model": LARGE, "address": LARGE},
        "partner_when": "always",
    }
    run(work, snapshot(policy(stages=stages, hears_earlier=True)))


def test_what_cannot_be_compared_costs_nobody_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("an odd answer")

    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(GOOD))], medium=[Act(answer=said(SAME))])
        reply = await found.ask()
        assert reply.status == 200
        _, trials = await found.settled()
        assert trials[0].tried[1]["like"] == {}

    monkeypatch.setattr(agreement, "agree", fails)
    run(work, snapshot(policy(stages=asking(0.99), hears_earlier=True)))


def test_what_refuses_is_no_second_opinion() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))], medium=[Act(answer=said(GOOD))])
        await found.ask()
        _, trials = await found.settled()
        assert "like" not in trials[0].tried[1]

    run(work, snapshot(policy(stages=asking(0.99), hears_earlier=True)))
