"""What every tier is asked, and how an answer becomes an option. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from billing.domain.prices import PriceBook
from deployments.domain.catalog import Catalog, Model, Speed
from deployments.domain.options import Check, Cost, Verdict
from deployments.domain.workload import Need, Workload


@dataclass(frozen=True, slots=True)
class Question:
    """One workload with all that is known on the day it is asked.

    `quotas` are the account's limits by name ("lambda-concurrency", "bedrock-model-units",
    "ml.g5.xlarge"); a name that is missing is not known. `measured` are own probes by model and
    route: they stand in place of what was published.
    """

    workload: Workload
    catalog: Catalog
    prices: PriceBook
    quotas: Mapping[str, Decimal]
    today: date
    measured: Mapping[tuple[str, str], Speed] = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, float]:
        """The catalog's figures by key."""
        return self.catalog.values

    def managed(self) -> tuple[Model, ...]:
        """Managed models worth asking: those named, or all when the need is standard."""
        return self._wanted(self.catalog.managed)

    def weights(self) -> tuple[Model, ...]:
        """Open weights worth hosting: those named, or all when the need is standard."""
        return self._wanted(self.catalog.weights)

    def as_measured(self, model: Model, route: str) -> Model:
        """Return the model with the speed that was measured here by this route, if it was."""
        speed = self.measured.get((model.model_id, route))
        return model if speed is None else replace(model, speed=speed)

    def _wanted(self, models: tuple[Model, ...]) -> tuple[Model, ...]:
        named = self.workload.models
        if not named and self.workload.need is not Need.STANDARD:
            return ()
        seeing = [m for m in models if m.vision or not self.workload.images_per_request]
        return tuple(m for m in seeing if not named or m.model_id in named)


def verdict(checks: tuple[Check, ...], cost: Cost) -> Verdict:
    """Return feasible when every check holds and every line has a price."""
    if not all(check.holds for check in checks):
        return Verdict.INFEASIBLE
    return Verdict.FEASIBLE if cost.expected_usd is not None else Verdict.NEEDS_QUOTE
