"""The best portfolio of features and their options, with its proof and its rivals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from deployments.domain.portfolio.asking import Candidate, Candidates, Pick, Portfolio, Wish
from deployments.domain.portfolio.framing import in_usd, priority, problem_of
from deployments.domain.portfolio.problem import Choice, NothingFits, Objective, Solution
from deployments.domain.portfolio.relaxing import relaxations
from deployments.domain.portfolio.rivals import rivals_of
from deployments.domain.portfolio.shadow import shadow_of
from deployments.domain.portfolio.solve import solve


def plan(*, features: Sequence[Candidates], wish: Wish) -> Portfolio:
    """Return the best portfolio with its proof; where none fits, the least that must give."""
    rivals = rivals_of(features, wish)
    problem = problem_of(features, wish)
    try:
        found = solve(problem)
    except NothingFits as nothing:
        return Portfolio(
            fits=False,
            picks=(),
            usd=Decimal(0),
            value=0,
            gap=None,
            shadow=(),
            rivals=rivals,
            relaxations=relaxations(features, wish, problem),
            sentences=(str(nothing),),
        )
    picks = tuple(_pick(each, choice) for each, choice in zip(features, found.picks, strict=True))
    usd = sum((pick.usd for pick in picks), Decimal(0))
    value = sum(priority(wish, pick.feature) for pick in picks if pick.option_id)
    return Portfolio(
        fits=True,
        picks=picks,
        usd=usd,
        value=value,
        gap=Decimal(repr(found.gap)).quantize(Decimal("0.000000001")).normalize(),
        shadow=shadow_of(problem, found, wish),
        rivals=rivals,
        relaxations=(),
        sentences=_sentences(picks, usd, wish, found),
    )


def _pick(feature: Candidates, choice: Choice) -> Pick:
    taken = next((each for each in feature.options if each.option_id == choice.key), None)
    best = next((each for each in feature.options if each.is_feasible), None)
    return Pick(
        feature=feature.feature,
        name=feature.name,
        option_id=choice.key,
        tier=taken.tier if taken else "",
        summary=taken.summary if taken else "left out",
        usd=taken.usd or Decimal(0) if taken else Decimal(0),
        running=feature.running,
        running_usd=feature.running_usd,
        traded=_traded(taken, best),
    )


def _traded(taken: Candidate | None, best: Candidate | None) -> str:
    if taken is None:
        return (
            "It is left out: its money buys more elsewhere." if best else "No option is feasible."
        )
    if best is None or taken.option_id == best.option_id or taken.usd is None or best.usd is None:
        return ""
    return (
        f"Alone it would take {best.summary}, {in_usd(best.usd)} a month; a shared limit moves it, "
        f"for {in_usd(taken.usd - best.usd)} more."
    )


def _sentences(picks: Sequence[Pick], usd: Decimal, wish: Wish, found: Solution) -> tuple[str, ...]:
    left = wish.budget_usd - usd
    chosen = sum(1 for pick in picks if pick.option_id)
    proof = "nothing cheaper" if wish.objective is Objective.COST else "nothing of more value"
    exactly = "exactly" if found.gap < 1e-9 else f"within {found.gap:.4%}"
    said = [
        f"{chosen} of {len(picks)} features for {in_usd(usd)} a month: {in_usd(left)} of "
        f"{in_usd(wish.budget_usd)} are left.",
        f"Proven: {proof} keeps every limit, {exactly}.",
    ]
    moved = [pick.name for pick in picks if pick.traded]
    if moved:
        said.append(f"Shared limits changed the choice for {', '.join(moved)}.")
    return tuple(said)
