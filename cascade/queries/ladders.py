"""Three stages to begin with: the cheapest, a middle and the strongest model a feature may use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cascade.domain.policy import Kind, Policy, Stage, StepDown, Target
from cascade.domain.prices import Tariff
from cascade.queries.tariffs import Way, price_table, ways
from deployments.domain.candidates.checks import RESIDENCY_ALLOWS
from deployments.domain.workload import Residency
from deployments.queries.advice import newest_workload, workload_of
from portal.models import Feature

# Where thresholds start until a calibration replaces them: the product description's figures for
# simple, medium and complex requests.
THRESHOLDS = (0.85, 0.90, 0.95)
NAMES = ("small", "medium", "large")
# A model below half of the strongest one's index rarely answers anything that need not escalate.
LEAST_SHARE_OF_THE_BEST = 0.5
# Tokens in for each token out in support chats: only the order of prices follows from it.
INPUT_PER_OUTPUT = 3


@dataclass(frozen=True, slots=True)
class _Rung:
    way: Way
    score: float
    price: float


def suggested(*, feature: Feature, now: datetime) -> Policy | None:
    """Return a policy of up to three managed models; None when none has both price and score."""
    rungs = _front(_rungs(feature, now))
    if not rungs:
        return None
    strong = rungs[-1]
    able = [rung for rung in rungs if rung.score >= LEAST_SHARE_OF_THE_BEST * strong.score]
    picked = _three(able)
    names, thresholds = _spread(NAMES, len(picked)), _spread(THRESHOLDS, len(picked))
    stages = tuple(
        Stage(name=name, target=_target(rung.way), threshold=threshold)
        for name, threshold, rung in zip(names, thresholds, picked, strict=True)
    )
    return Policy(stages=stages, step_down=_steps(stages), hears_earlier=len(stages) > 2)


def _rungs(feature: Feature, now: datetime) -> list[_Rung]:
    row = newest_workload(feature=feature)
    workload = workload_of(row) if row is not None and "pattern" in row.body else None
    residency = workload.residency if workload else Residency.ANYWHERE
    table, today = price_table(now=now), now.date()
    found = []
    for way in ways():
        tariff, model = table.find(way.key), way.model
        is_over = model.eol_on is not None and model.eol_on <= today
        sees = model.vision or workload is None or not workload.images_per_request
        is_allowed = way.route.route in RESIDENCY_ALLOWS[residency] and sees and not is_over
        if tariff is not None and model.quality is not None and is_allowed:
            found.append(_Rung(way, float(model.quality.score), _price(tariff)))
    return found


def _price(tariff: Tariff) -> float:
    return float(INPUT_PER_OUTPUT * tariff.input + tariff.output)


def _front(rungs: Sequence[_Rung]) -> list[_Rung]:
    """Return those than which nothing is both better and no dearer, cheapest first."""
    front: list[_Rung] = []
    for rung in sorted(rungs, key=lambda each: (each.price, -each.score, each.way.key)):
        if not front or rung.score > front[-1].score:
            front.append(rung)
    return front


def _three(able: Sequence[_Rung]) -> list[_Rung]:
    """Return the cheapest, the strongest, and what lies nearest to the middle of their prices."""
    if len(able) <= 2:
        return list(able)
    middle = math.sqrt(able[0].price * able[-1].price)
    mid = min(able[1:-1], key=lambda each: abs(math.log(each.price / middle)))
    return [able[0], mid, able[-1]]


def _spread(words: Sequence, count: int) -> list:
    return list(words[:count]) if count != 2 else [words[0], words[-1]]


def _target(way: Way) -> Target:
    return Target(kind=Kind.BEDROCK, model=way.key, address=way.route.invoke_id)


def _steps(stages: Sequence[Stage]) -> tuple[StepDown, ...]:
    """Return how a feature steps down when most of its month's money is spent."""
    if len(stages) < 2:
        return ()
    steps = [StepDown(at_share=0.95, highest=stages[0].name)]
    if len(stages) > 2:
        steps.insert(0, StepDown(at_share=0.85, highest=stages[1].name))
    return tuple(steps)
