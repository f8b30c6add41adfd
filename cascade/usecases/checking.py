"""What a policy may call: priced models on demand, and deployments of the team paid by the hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cascade.domain import tariffs
from cascade.domain.policy import Kind, Policy, Stage, Target
from cascade.domain.prices import PriceTable
from cascade.domain.reading import PolicyFaulty, read
from cascade.models import Cascade, Weights
from cascade.queries.tariffs import price_table, way_to
from deployments.domain.candidates.checks import RESIDENCY_ALLOWS
from deployments.domain.options import Tier
from deployments.domain.workload import Residency
from deployments.models import Deployment
from deployments.queries.advice import newest_workload, workload_of
from portal.errors import Invalid

# Tiers whose hours are in the books already; the resource that is called, and its output.
BY_THE_HOUR: Mapping[str, tuple[Kind, str, str]] = {
    Tier.SAGEMAKER_REAL_TIME.value: (Kind.SAGEMAKER, "endpoint", "name"),
    Tier.BEDROCK_PROVISIONED.value: (Kind.BEDROCK, "throughput", "arn"),
}


class _Fault(Exception):
    """A target cannot be called; the words say why and what can be done."""


def checked(*, cascade: Cascade, body: Mapping[str, Any], now: datetime) -> Policy:
    """Return the policy that JSON describes, its targets resolved to what will be called.

    Raises Invalid with a sentence for each field that cannot be.
    """
    try:
        policy = read(body)
    except PolicyFaulty as faulty:
        raise Invalid("The policy cannot be like this.", fields=faulty.faults) from faulty
    resolver = _Resolver(cascade, price_table(now=now))
    resolved = resolver.policy(policy)
    faults = resolver.faults | _missing_weights(cascade, policy)
    if faults:
        raise Invalid("The policy cannot be like this.", fields=faults)
    return resolved


def _missing_weights(cascade: Cascade, policy: Policy) -> dict[str, str]:
    asked = {
        field: (kind, version)
        for field, kind, version in (
            ("router", "router", policy.router),
            ("scorer", "gate", policy.scorer),
        )
        if version
    }
    rows = Weights.objects.filter(cascade=cascade, version__in=[each for _, each in asked.values()])
    known = {(row.kind, row.version): row.fit for row in rows.defer("body")} if asked else {}
    faults = {
        field: f"{cascade.slug} has no trained {kind} weights {version!r}."
        for field, (kind, version) in asked.items()
        if (kind, version) not in known
    }
    trained_for = known.get(("router", policy.router), {}).get("stages")
    if trained_for and trained_for != [stage.name for stage in policy.stages]:
        stages = ", ".join(trained_for)
        faults["router"] = f"{policy.router} was trained for the stages {stages}; train it again."
    return faults


class _Resolver:
    """Resolves targets one by one, and writes down each fault under the path where it lies."""

    def __init__(self, cascade: Cascade, prices: PriceTable) -> None:
        self.cascade = cascade
        self.prices = prices
        self.faults: dict[str, str] = {}
        row = newest_workload(feature=cascade.feature)
        self.residency = (
            workload_of(row).residency
            if row is not None and "pattern" in row.body
            else Residency.ANYWHERE
        )

    def policy(self, policy: Policy) -> Policy:
        """Return a policy with every target resolved, as far as it can be."""
        judge = policy.judge
        return replace(
            policy,
            stages=tuple(self._stages(policy)),
            classifier_target=self._maybe(policy.classifier_target, "classifier_target"),
            judge=judge and replace(judge, target=self._target(judge.target, "judge.target")),
        )

    def _stages(self, policy: Policy) -> Iterator[Stage]:
        for place, stage in enumerate(policy.stages):
            path = f"stages.{place}"
            yield replace(
                stage,
                target=self._target(stage.target, f"{path}.target"),
                partner=self._maybe(stage.partner, f"{path}.partner"),
            )

    def _maybe(self, target: Target | None, path: str) -> Target | None:
        return None if target is None else self._target(target, path)

    def _target(self, target: Target, path: str) -> Target:
        try:
            return self._hosted(target) if target.deployment else self._on_demand(target)
        except _Fault as fault:
            self.faults[f"{path}.{'deployment' if target.deployment else 'model'}"] = str(fault)
            return target

    def _on_demand(self, target: Target) -> Target:
        if target.kind is not Kind.BEDROCK:
            raise _Fault(
                "Only Bedrock's models are called on demand; for anything else name the "
                "deployment that serves it."
            )
        way = way_to(key=target.address)
        if way is None:
            raise _Fault(f"No model of the catalog is invoked with {target.address[:120]!r} here.")
        if way.route.route not in RESIDENCY_ALLOWS[self.residency]:
            raise _Fault(
                f"Requests of {self.cascade.feature.name} may go: {self.residency.value}; "
                f"{way.key} goes further ({way.route.route})."
            )
        if self.prices.find(way.key) is None:
            raise _Fault(f"{way.model.name} has no price on this route, so nobody could budget it.")
        return replace(target, model=way.key)

    def _hosted(self, target: Target) -> Target:
        row = (
            Deployment.objects.filter(
                slug=target.deployment,
                feature__team=self.cascade.feature.team_id,
                is_wanted=True,
                current__isnull=False,
            )
            .select_related("current")
            .first()
        )
        if row is None or row.current is None:
            raise _Fault(f"The team runs no deployment {target.deployment!r}.")
        if row.current.tier not in BY_THE_HOUR:
            raise _Fault(
                f"{row.slug} is paid by what it serves and metered already: its tokens would be "
                f"counted twice. Name its model instead, {row.current.model}."
            )
        kind, key, output = BY_THE_HOUR[row.current.tier]
        resource = row.current.resources.filter(key=key).first()
        address = "" if resource is None else resource.outputs.get(output, "")
        if resource is not None and output == "name":
            address = resource.name if resource.outputs else ""
        if not address:
            raise _Fault(f"{row.slug} has no address yet; wait until it is ready.")
        model = tariffs.hourly_key(row.current.model)
        return Target(kind=kind, model=model, address=str(address), deployment=row.slug)
