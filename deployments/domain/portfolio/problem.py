"""One option for each feature under shared limits: the question and its answer. Pure values.

Money is in whole micro-dollars (millionths of a US dollar) a month, so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MONEY = "usd"  # the name of the limit on money, in micro-dollars a month


class Objective(StrEnum):
    """What is sought: the least cost, or the most value."""

    COST = "cost"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a feature; an empty key leaves the feature out.

    `uses` are whole units of limits other than money (instances of a type, model units).
    """

    key: str
    cost_micro_usd: int
    value: int = 0
    uses: tuple[tuple[str, int], ...] = ()

    def use_of(self, limit: str) -> int:
        """Return how much of a limit it takes."""
        if limit == MONEY:
            return self.cost_micro_usd
        return dict(self.uses).get(limit, 0)


@dataclass(frozen=True, slots=True)
class Item:
    """A feature and the options it may have."""

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Features, limits by name (MONEY in micro-dollars, others in units), and what is sought."""

    items: tuple[Item, ...]
    limits: Mapping[str, int]
    objective: Objective = Objective.COST

    def score(self, choice: Choice) -> int:
        """Return what is made small: the cost, or the value turned round."""
        return choice.cost_micro_usd if self.objective is Objective.COST else -choice.value


@dataclass(frozen=True, slots=True)
class Solution:
    """One choice for each item, how good it is, and how good any other could be at best.

    `score` and `bound` are as in `Problem.score`: no selection within the limits scores below
    `bound`. `prices` are the multipliers of the limits: score gained by one more unit.
    """

    picks: tuple[Choice, ...]
    score: int
    bound: float
    prices: Mapping[str, float]

    @property
    def gap(self) -> float:
        """Return the proven share by which a better selection could differ; 0 is optimal."""
        return max(0.0, self.score - self.bound) / max(1.0, abs(self.score))

    @property
    def cost_micro_usd(self) -> int:
        """Return micro-dollars a month of all picks."""
        return sum(each.cost_micro_usd for each in self.picks)

    @property
    def value(self) -> int:
        """Return the value of all picks."""
        return sum(each.value for each in self.picks)


class NothingFits(ValueError):
    """No selection keeps the limits. `is_proven` says whether that is certain."""

    def __init__(self, sentence: str, *, is_proven: bool) -> None:
        super().__init__(sentence)
        self.is_proven = is_proven
