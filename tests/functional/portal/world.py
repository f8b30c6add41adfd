"""A small world in which every address of Slipway leads somewhere, and the list of addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.urls import URLPattern, get_resolver
from django.utils import timezone

from billing.usecases import budgets, prices
from cascade.models import Alert, Calibration, Cascade, Replay, Training, Trial, Upload, VirtualKey
from deployments.models import (
    CapacityPlan,
    Deployment,
    Move,
    PortfolioPlan,
    Probe,
    Recommendation,
    TrafficRun,
)
from deployments.usecases import (
    advice,
    capacity,
    launch,
    moves,
    portfolio,
    probes,
    traffic,
    workloads,
)
from portal.access import SYSTEM
from portal.models import ApiKey, Feature, User
from portal.queries import actor_of_user
from portal.usecases import keys
from tests.functional.portal import cascade_world

WORKLOAD = {
    "pattern": "interactive",
    "load": "2",
    "load_unit": "per-second",
    "input_tokens_mean": 600,
    "output_tokens_mean": 250,
    "latency_ms": 60_000,
    "need": "standard",
}
PROBED = probes.Wish(model="amazon.nova-micro-v1:0", route="in-region", requests=10)
PLANNED = {
    "model": "Llama-3-8B",
    "mean_rps": "2",
    "input_tokens_mean": "600",
    "output_tokens_mean": "250",
    "latency_ms": "10000",
    "instance_types": ["ml.p5.4xlarge"],
}


@dataclass(frozen=True, slots=True)
class Address:
    """One address: its name, and its route with `<converter:name>` for each argument."""

    name: str
    route: str

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the names of its arguments."""
        return tuple(re.findall(r"<(?:\w+:)?(\w+)>", self.route))


@dataclass(frozen=True, slots=True)
class World:
    """What belongs to the chat team, all of it made by use cases."""

    feature: Feature
    recommendation: Recommendation
    deployment: Deployment
    run: TrafficRun
    key: ApiKey
    probe: Probe
    move: Move
    plan: CapacityPlan
    portfolio: PortfolioPlan
    cascade: Cascade
    virtual_key: VirtualKey
    trial: Trial
    replay: Replay
    calibration: Calibration
    training: Training
    upload: Upload
    alert: Alert

    def path(self, address: Address) -> str:
        """Return the address with the arguments that lead to the chat team's things."""
        path = address.route
        for argument in address.arguments:
            value = self._value(address, argument)
            path = re.sub(rf"<(?:\w+:)?{argument}>", str(value), path)
        return f"/{path}"

    def _value(self, address: Address, argument: str) -> object:
        meanings = {
            "run_id": self.run.pk,
            "probe_id": self.probe.pk,
            "move_id": self.move.pk,
            "prefix": self.key.prefix,
            "dimension": "team",
            "uuid": self.trial.uuid,
            "number": 1,
            "rest": "nothing/here",
        }
        if argument == "prefix" and "cascades/<" in address.route:
            return self.virtual_key.prefix
        if argument in meanings:
            return meanings[argument]
        return self._value_of_place(address.route.removeprefix("api/v1/"), argument)

    def _value_of_place(self, route: str, argument: str) -> object:
        places: tuple[tuple[str, object], ...] = (
            ("features/<", self.feature.slug),
            ("teams/<", self.feature.team.slug),
            ("deployments/<", self.deployment.slug),
            ("recommendations/<", self.recommendation.pk),
            ("capacity", self.plan.pk),
            ("portfolio", self.portfolio.pk),
        )
        in_cascades: tuple[tuple[str, object], ...] = (
            ("cascades/<", self.cascade.slug),
            ("uploads/<", self.upload.pk),
            ("replays/<", self.replay.pk),
            ("calibrations/<", self.calibration.pk),
            ("trainings/<", self.training.pk),
            ("alerts/<", self.alert.pk),
        )
        # A cascade's things lie under it on pages: there the last name is the one that is meant.
        places += in_cascades if argument == "slug" else in_cascades[::-1]
        for place, value in places:
            if place in route:
                return value
        raise AssertionError(f"What does the argument of {route} mean? Say it in this function.")


def build(*, feature: Feature, lead: User) -> World:
    """Describe, compare and launch the feature, play traffic to it, and make a key of its lead."""
    now = timezone.now()
    prices.load_list(now=now)
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(200_000), now=now)
    actor = actor_of_user(lead)
    workloads.describe(
        actor=actor, feature=feature, workload=workloads.read(given=WORKLOAD), now=now
    )
    recommendation = advice.recommend(actor=actor, feature=feature, now=now)
    deployment = launch.launch(
        actor=actor,
        feature=feature,
        recommendation_id=recommendation.pk,
        option_id=recommendation.launch_pick,
        environment="production",
        now=now,
    )
    Deployment.objects.filter(pk=deployment.pk).update(state="ready")
    deployment.refresh_from_db()
    run = traffic.start(
        actor=actor,
        deployment=deployment,
        load_seconds=60,
        speed=Decimal(60),
        max_requests=10,
        seed=7,
        now=now,
    )
    TrafficRun.objects.filter(pk=run.pk).update(ended_at=now)
    key, _ = keys.create_key(
        actor=actor, name="ci", scopes=["read"], expires_at=now + timedelta(days=1), now=now
    )
    probe = probes.start(actor=actor, feature=feature, wish=PROBED, now=now)
    Probe.objects.filter(pk=probe.pk).update(ended_at=now)
    asked = capacity.read_request(given=PLANNED, now=now)
    plan = capacity.plan_capacity(
        actor=actor, team=feature.team, feature=feature, request=asked, now=now
    )
    move = _move(feature, now)
    whole = portfolio.plan_portfolio(actor=actor, team=feature.team, given={}, now=now)
    return World(
        feature,
        recommendation,
        deployment,
        run,
        key,
        probe,
        move,
        plan,
        whole,
        **cascade_world.build(actor=actor, feature=feature, now=now),
    )


def _move(feature: Feature, now: datetime) -> Move:
    """Let the nightly look find what runs too dear."""
    generation = feature.deployments.get().current
    lines = generation.option["cost"]["lines"]
    held = {**lines[0], "sku": "sagemaker:ml.g5.xlarge:second", "is_fixed": True}
    generation.option["option_id"] = "sagemaker-real-time/somewhere-dear"
    generation.option["cost"] |= {"lines": [{**held, "quantity": "9000000"}], "fixed_usd": "3000"}
    generation.save()
    move = moves.look(feature_id=feature.pk, now=now)
    assert move is not None
    return move


@cache
def addresses() -> tuple[Address, ...]:
    """Return every address of the product; allauth's own pages are under accounts/."""
    return tuple(
        address
        for address in _walk(get_resolver().url_patterns)
        if not address.route.startswith("accounts/")
    )


def _walk(patterns: Any, route: str = "", namespace: str = "") -> Iterator[Address]:
    for pattern in patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            name = str(pattern.name or here)
            yield Address(f"{namespace}:{name}" if namespace else name, here)
        else:
            yield from _walk(pattern.url_patterns, here, pattern.namespace or namespace)
