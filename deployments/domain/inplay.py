"""The comparison of one workload, whole, and narrowed to the models and machines in play. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from billing.domain.prices import PriceBook
from deployments.domain.catalog import Catalog, Speed
from deployments.domain.options import Option
from deployments.domain.ranking import Ranked, recommend
from deployments.domain.workload import Workload

BEGIN_WITH = 12  # options


@dataclass(slots=True)
class InPlay:
    """What a comparison stands on. An option's figures do not depend on who else is compared."""

    workload: Workload
    catalog: Catalog
    prices: PriceBook
    quotas: Mapping[str, Decimal]
    today: date
    measured: Mapping[tuple[str, str], Speed] = field(default_factory=dict)
    ranked: Ranked = field(init=False)
    _models: set[str] = field(init=False, default_factory=set)
    _machines: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Compare all as they are now; the best are in play."""
        self.ranked = self.whole(self.workload)
        if self.workload.custom is not None:
            self._models.add(self.workload.custom.base_model)
        for option in self.ranked.options[:BEGIN_WITH]:
            self._take(option)

    @property
    def pick(self) -> str:
        """The option id of today's choice; empty when nothing is feasible."""
        return self.ranked.pick

    def whole(self, workload: Workload) -> Ranked:
        """Compare every option."""
        return self._compared(workload, self.catalog)

    def narrow(self, workload: Workload) -> Ranked:
        """Compare the weights in play on the machines in play: planning those is what costs.

        Managed models are all compared: they cost little, and some tiers look one up by name.
        """
        catalog = replace(
            self.catalog,
            models=tuple(
                m for m in self.catalog.models if m.kind == "managed" or m.model_id in self._models
            ),
            machines=tuple(
                m for m in self.catalog.machines if _bare(m.instance_type) in self._machines
            ),
        )
        return self._compared(workload, catalog)

    def joins(self, there: Ranked) -> bool:
        """Bring the pick of another comparison into play; say whether it was not."""
        known = len(self._models) + len(self._machines)
        for option in there.options:
            if option.option_id == there.pick:
                self._take(option)
        return len(self._models) + len(self._machines) > known

    def _take(self, option: Option) -> None:
        self._models.add(option.model)
        self._machines.add(_bare(option.size.instance_type))

    def _compared(self, workload: Workload, catalog: Catalog) -> Ranked:
        return recommend(
            workload=workload,
            catalog=catalog,
            prices=self.prices,
            quotas=self.quotas,
            today=self.today,
            measured=self.measured,
        )


def _bare(instance_type: str) -> str:
    return instance_type.removeprefix("ml.")
