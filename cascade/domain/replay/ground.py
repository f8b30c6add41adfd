"""What all trials of a replay share, and what is known or supposed of one of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable, cost_pico
from cascade.domain.replay.senses import Overheads, Senses
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial


class Incomplete(ValueError):
    """A trial lacks what this policy would need to know of it; the words say what."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all trials of a replay share.

    Where it `supposes`, a model of whose answer nothing is known is booked with the tokens of the
    answer that is known, and its answer taken as not good enough but at the last stage: the cost is
    then at most what is found. Elsewhere such a trial is Incomplete.
    """

    policy: Policy
    prices: PriceTable
    senses: Senses = field(default_factory=Senses)
    overheads: Overheads = field(default_factory=Overheads)
    seed: int = 0
    budget_share: float = 0.0
    supposes: bool = False


def outcome_of(ground: Ground, trial: Trial, model: str) -> Outcome:
    """Return what a model made of a trial, or (where that is allowed) what it may have cost.

    Raises Incomplete when that cannot be told.
    """
    known = trial.outcomes.get(model)
    if known is not None:
        return known
    return alone(ground, trial, model)


def alone(ground: Ground, trial: Trial, model: str) -> Outcome:
    """Return what a model would make of a trial that it answers alone: a failure says nothing.

    Raises Incomplete when that cannot be told.
    """
    known = trial.outcomes.get(model)
    if known is not None and not (known.failed and ground.supposes):
        return known
    if not ground.supposes:
        raise Incomplete(f"What {model} would have answered is not known.")
    stages = reversed(ground.policy.stages)
    found = (trial.outcomes.get(stage.target.model) for stage in stages)
    every = (each for each in (*found, *trial.outcomes.values()) if each)
    like = next((each for each in every if not each.failed), None)
    if like is None:
        raise Incomplete("Nobody answered it, so nobody knows how long an answer is.")
    return Outcome(quality=None, tokens=like.tokens)


def price(prices: PriceTable, model: str, tokens: Tokens) -> int:
    """Return what tokens of a model cost in pico-dollars. Raises Incomplete without a price."""
    tariff = prices.find(model)
    if tariff is None:
        raise Incomplete(f"{model} has no price in the table {prices.version}.")
    return cost_pico(tariff, tokens)
