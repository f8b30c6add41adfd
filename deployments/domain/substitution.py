"""What a cheaper model gives up in public quality, and for how many dollars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from deployments.domain.catalog import Catalog, Quality
from deployments.domain.options import Option, Verdict
from deployments.domain.wording import percent, usd_a_month


def sentence(pick: Option | None, options: Sequence[Option], catalog: Catalog) -> str | None:
    """Return the pick's score beside the best-scoring feasible model's, with both prices.

    None without a pick, or when it has no score; only scores of one version are compared.
    `options` are in ranked order, so that the first option of a model is its cheapest.
    """
    if pick is None or pick.cost.expected_usd is None:
        return None
    ours = _quality(pick, catalog)
    scored = [
        (found, option)
        for option in options
        if option.verdict is Verdict.FEASIBLE and (found := _quality(option, catalog)) is not None
    ]
    if ours is None:
        return None
    scored = [each for each in scored if _scale(each[0]) == _scale(ours)]
    best, rival = max(scored, key=lambda each: each[0].score)
    scale = f"{ours.index} {ours.version}"
    if best.score <= ours.score:
        return (
            f"No model that meets every constraint scores above the pick's {ours.score} ({scale})."
        )
    more = (rival.cost.expected_usd or Decimal(0)) - pick.cost.expected_usd
    given_up = best.score - ours.score
    return (
        f"Quality given up: {_name(pick, catalog)} scores {ours.score} on the {scale} "
        f"({ours.as_of:%Y-%m-%d}), the best feasible model of that scale, {_name(rival, catalog)}, "
        f"{best.score}. The {given_up} points ({percent(given_up / best.score)}) would cost "
        f"{usd_a_month(more)} more."
    )


def _scale(score: Quality) -> tuple[str, str]:
    """Return what two scores must share to be compared: the index and its version."""
    return score.index, score.version


def _quality(option: Option, catalog: Catalog) -> Quality | None:
    model = catalog.by_id.get(option.model)
    return model.quality if model else None


def _name(option: Option, catalog: Catalog) -> str:
    return catalog.by_id[option.model].name
