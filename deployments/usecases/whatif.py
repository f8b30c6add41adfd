"""What if: the same feature with other figures, compared at today's prices; nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from deployments.domain import explanation, picture, whatif
from deployments.domain.options import TIER_NAMES, Option
from deployments.domain.ranking import Ranked
from deployments.domain.records import workload_from_json
from deployments.domain.workload import Workload
from deployments.models import Recommendation
from deployments.queries import advice as queries
from deployments.usecases import advice
from portal.errors import Invalid


@dataclass(frozen=True, slots=True)
class Answer:
    """What would be chosen, beside what the recommendation chose, in USD a month.

    `kept_there` is the recommendation's own choice at the figures asked about; None when it does
    not exist there. `more_usd` is what would be chosen less what was chosen.
    """

    workload: Workload
    picture: tuple[str, ...]
    pick: Option | None
    tier_name: str
    launch_pick: Option | None
    kept: Option | None
    kept_there: Option | None
    is_other: bool
    more_usd: Decimal | None
    sentences: tuple[str, ...]
    kept_sentence: str
    launch_sentence: str
    feasible: int
    options: int


def ask(*, recommendation: Recommendation, given: Mapping[str, Any], now: datetime) -> Answer:
    """Return what a recommendation's workload would come to with these figures changed.

    Raises Invalid with a sentence for each figure that cannot be.
    """
    try:
        figures = whatif.read(given)
    except whatif.BadFigure as bad:
        raise Invalid("The figures cannot be taken as they are.", fields=bad.fields) from bad
    stated = workload_from_json(recommendation.workload.body)
    workload = whatif.changed(stated, figures)
    _, ranked = advice.compare(workload=workload, now=now)
    return _answer(workload, ranked, queries.pick_of(recommendation))


def _answer(workload: Workload, ranked: Ranked, kept: Option | None) -> Answer:
    by_id = {option.option_id: option for option in ranked.options}
    pick, launch_pick = by_id.get(ranked.pick), by_id.get(ranked.launch_pick)
    there = by_id.get(kept.option_id) if kept else None
    return Answer(
        workload=workload,
        picture=picture.sentences(workload),
        pick=pick,
        tier_name=TIER_NAMES[pick.tier] if pick else "",
        launch_pick=launch_pick,
        kept=kept,
        kept_there=there,
        is_other=ranked.pick != (kept.option_id if kept else ""),
        more_usd=_more(pick, kept),
        sentences=ranked.sentences,
        kept_sentence=_kept_sentence(kept, there, pick),
        launch_sentence=explanation.against_launch(pick, launch_pick),
        feasible=sum(option.verdict == "feasible" for option in ranked.options),
        options=len(ranked.options),
    )


def _more(pick: Option | None, kept: Option | None) -> Decimal | None:
    there, now = (each.cost.expected_usd if each else None for each in (pick, kept))
    return there - now if there is not None and now is not None else None


def _kept_sentence(kept: Option | None, there: Option | None, pick: Option | None) -> str:
    if kept is None:
        return "Nothing was feasible for the figures as they are."
    if pick is not None and pick.option_id == kept.option_id:
        return "The choice stays the same."
    if there is None:
        return f"{kept.summary}, the choice for the figures as they are, is not offered there."
    return (
        f"{kept.summary}, the choice for the figures as they are, would not be it: "
        f"{explanation.why_lost(there, pick)}"
    )
