"""What a portfolio is asked, of which options, and what it answers. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.portfolio.problem import Objective


@dataclass(frozen=True, slots=True)
class Candidate:
    """An option as the portfolio sees it; `usd` a month is None without a price.

    `broken` are the sentences of constraints it does not meet; `is_soft` when a launcher may
    accept all of them. `uses` counts instances by type and model units. `is_example`: a price of
    it is an example figure, not from AWS.
    """

    option_id: str
    tier: str
    summary: str
    usd: Decimal | None
    broken: tuple[str, ...] = ()
    is_soft: bool = True
    uses: tuple[tuple[str, int], ...] = ()
    commitment_months: int = 0
    is_launchable: bool = True
    is_example: bool = False

    @property
    def is_feasible(self) -> bool:
        """Whether it meets every constraint and has a price."""
        return self.usd is not None and not self.broken


@dataclass(frozen=True, slots=True)
class Candidates:
    """A feature with its options best first, the decision tree's pick, and what runs now."""

    feature: str
    name: str
    options: tuple[Candidate, ...]
    tree_pick: str = ""
    running: str = ""
    running_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a portfolio is asked for.

    `budget_usd` a month; `limits` on instances by type and on model units; `priorities` by feature
    (1 to 100, 10 where nothing is said) count only when value is sought. `launchable_only` takes
    nothing that a launch does not build yet.
    """

    budget_usd: Decimal
    objective: Objective = Objective.COST
    limits: Mapping[str, int] | None = None
    priorities: Mapping[str, int] | None = None
    longest_commitment_months: int | None = None
    launchable_only: bool = False


@dataclass(frozen=True, slots=True)
class Pick:
    """What the portfolio takes for a feature; an empty option leaves it out.

    `traded` says what it gives up against the feature's own best option.
    """

    feature: str
    name: str
    option_id: str
    tier: str
    summary: str
    usd: Decimal
    running: str
    running_usd: Decimal | None
    traded: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another way to choose for all features, priced with the same prices.

    `usd` is what its priced options cost; `missing` features have no option of the kind or no
    price; `broken` are constraints it does not meet, a sentence each; `examples` are features
    that it prices by an example figure.
    """

    name: str
    usd: Decimal
    is_within_budget: bool
    missing: tuple[str, ...]
    broken: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The answer: picks, their cost, the proof, shadow prices, rivals, or what would have to give.

    `gap` is the proven share by which a better selection could differ; None when nothing fits.
    """

    fits: bool
    picks: tuple[Pick, ...]
    usd: Decimal
    value: int
    gap: Decimal | None
    shadow: tuple[str, ...]
    rivals: tuple[Rival, ...]
    relaxations: tuple[str, ...]
    sentences: tuple[str, ...]
