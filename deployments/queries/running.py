"""What a feature runs on, or would, as the nightly look sees it."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.domain.options import Option
from deployments.domain.records import option_from_json, workload_from_json
from deployments.domain.workload import Workload
from deployments.models import Deployment, Recommendation
from deployments.queries import advice, moves
from portal.models import Feature


@dataclass(frozen=True, slots=True)
class Running:
    """What a feature runs on: the option as launched, for which load, and where."""

    option: Option
    stated: Workload
    deployment: Deployment | None

    @property
    def slug(self) -> str:
        """Return the deployment's short name; empty when none runs."""
        return self.deployment.slug if self.deployment else ""


def _last_asked_for(feature: Feature) -> Recommendation | None:
    """Return the newest recommendation that was asked for: not one that a move came with."""
    found = Recommendation.objects.filter(feature=feature, move__isnull=True)
    return found.select_related("workload").first()


def running_of(*, feature: Feature) -> Running | None:
    """Return what serves; without any, what was picked last; None when nothing was."""
    deployment = moves.running_deployment(feature=feature)
    if deployment is not None and deployment.current is not None:
        current = deployment.current
        made_for = current.recommendation or advice.newest_recommendation(feature=feature)
        if made_for is None or "pattern" not in made_for.workload.body:
            return None
        stated = workload_from_json(made_for.workload.body)
        return Running(option_from_json(current.option), stated, deployment)
    newest = _last_asked_for(feature)
    if newest is None or not newest.launch_pick:
        return None
    picked = advice.option_of(newest, newest.launch_pick)
    return Running(picked, workload_from_json(newest.workload.body), None)
