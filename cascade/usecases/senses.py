"""The router and the gate that a policy names, as replays and calibrations ask them."""

from __future__ import annotations

from cascade.domain.gate.assessing import assess
from cascade.domain.gate.scorer import Scorer
from cascade.domain.policy import Policy
from cascade.domain.replay.senses import (
    Foresee,
    Score,
    Senses,
    beside,
    chat_of,
    logged_score,
    no_forecast,
)
from cascade.domain.request import Answer, Stop
from cascade.domain.router import Router, p_right
from cascade.domain.trial import Trial
from cascade.models import Cascade, Weights


def senses_of(*, cascade: Cascade, policy: Policy) -> Senses:
    """Return who is asked about a trial: the very router and gate that answer live."""
    return Senses(foresee=_foresee(cascade, policy), score=_score(cascade, policy))


def _bytes(cascade: Cascade, kind: str, version: str) -> bytes | None:
    """Return trained weights; None when none are named or they are not there."""
    if not version:
        return None
    row = Weights.objects.filter(cascade=cascade, kind=kind, version=version).first()
    return bytes(row.body) if row else None


def _foresee(cascade: Cascade, policy: Policy) -> Foresee:
    held = _bytes(cascade, "router", policy.router)
    if held is None:
        return no_forecast
    router = Router.from_bytes(held)
    if router.stages != tuple(stage.name for stage in policy.stages):
        return no_forecast

    def foresee(trial: Trial) -> tuple[float, ...]:
        return p_right(router, text=trial.prompt)

    return foresee


def _score(cascade: Cascade, policy: Policy) -> Score:
    """Return what scores an answer: as logged, unless the policy names another scorer.

    An answer without a logged score is looked at by the gate when its text was kept.
    """
    held = _bytes(cascade, "gate", policy.scorer)
    scorer = None if held is None else Scorer.from_bytes(held)

    def score(trial: Trial, model: str, earlier: tuple[str, ...]) -> float | None:
        outcome = trial.outcomes[model]
        if not outcome.text or (scorer is None and outcome.score is not None):
            return logged_score(trial, model, earlier)
        answer = Answer(text=outcome.text, stop=Stop.END, tokens=outcome.tokens)
        alone = assess(chat_of(trial), answer, scorer=scorer).p_good
        return beside(trial, model, earlier, alone)

    return score
