"""Other ways to choose for all features, priced alike: the tree, all on-demand, all GPU. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from deployments.domain.portfolio.asking import Candidate, Candidates, Rival, Wish

Chooser = Callable[[Candidates], Candidate | None]


def _by_tier(*tiers: str) -> Chooser:
    def choose(feature: Candidates) -> Candidate | None:
        of_tier = [each for each in feature.options if each.tier in tiers]
        return next(iter(of_tier), None)

    return choose


def _tree(feature: Candidates) -> Candidate | None:
    return next((each for each in feature.options if each.option_id == feature.tree_pick), None)


_RIVALS: tuple[tuple[str, Chooser], ...] = (
    ("The decision tree's picks", _tree),
    ("All on-demand", _by_tier("bedrock-on-demand", "lambda-bedrock", "bedrock-custom")),
    ("All on GPU endpoints", _by_tier("sagemaker-real-time")),
)


def _rival(name: str, features: Sequence[Candidates], wish: Wish, choose: Chooser) -> Rival:
    chosen = [(feature, choose(feature)) for feature in features]
    usd = sum((each.usd or Decimal(0) for _, each in chosen if each), Decimal(0))
    return Rival(
        name=name,
        usd=usd,
        is_within_budget=usd <= wish.budget_usd,
        missing=tuple(f.name for f, each in chosen if each is None or each.usd is None),
        broken=tuple(
            f"{feature.name}: {sentence}"
            for feature, each in chosen
            if each
            for sentence in each.broken
        ),
        examples=tuple(feature.name for feature, each in chosen if each and each.is_example),
    )


def rivals_of(features: Sequence[Candidates], wish: Wish) -> tuple[Rival, ...]:
    """Return the other ways to choose, each with its cost and what it breaks."""
    return tuple(_rival(name, features, wish, choose) for name, choose in _RIVALS)
