"""The router that a policy names, as replays and calibrations ask it."""

from __future__ import annotations

from cascade.domain.policy import Policy
from cascade.domain.replay.senses import Foresee, Senses, no_forecast
from cascade.domain.router import Router, p_right
from cascade.domain.trial import Trial
from cascade.models import Cascade, Weights


def senses_of(*, cascade: Cascade, policy: Policy) -> Senses:
    """Return who is asked about a trial: the policy's router, and the scores as logged."""
    return Senses(foresee=_foresee(cascade, policy))


def _foresee(cascade: Cascade, policy: Policy) -> Foresee:
    held = Weights.objects.filter(cascade=cascade, kind="router", version=policy.router)
    row = held.first() if policy.router else None
    if row is None:
        return no_forecast
    router = Router.from_bytes(bytes(row.body))
    if router.stages != tuple(stage.name for stage in policy.stages):
        return no_forecast

    def foresee(trial: Trial) -> tuple[float, ...]:
        return p_right(router, text=trial.prompt)

    return foresee
