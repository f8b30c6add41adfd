"""80 % intervals around predictions, by how well measurements back them. Pure."""

from __future__ import annotations

from deployments.domain.planner.facts import ServingFacts
from deployments.domain.planner.memory import Replica
from deployments.domain.planner.result import Estimate

CLASSES = ("high", "medium", "low")
MEASURED = "measured"
UNKNOWN = (0.4, 2.5)  # where no measurement of the class is at hand


def confidence(*, replica: Replica) -> str:
    """Return the worst of accelerator, engine and model: mixtures are predicted less well."""
    model = "medium" if replica.architecture.experts else "high"
    found = (replica.accelerator.confidence, replica.engine.confidence, model)
    return max(found, key=CLASSES.index)


def around(
    value: float,
    *,
    quantity: str,
    unit: str,
    confidence: str,
    facts: ServingFacts,
    stated: str = "",
) -> Estimate:
    """Return a value with its interval; `quantity` is a spread's: tpot, ttft, e2e or output."""
    spread = facts.spread.get((quantity, confidence))
    low, high = (spread.low, spread.high) if spread else UNKNOWN
    if spread:
        basis = (
            f"{confidence} confidence: 80 % of {spread.rows:,} measurements of {spread.sources} "
            f"sources fell between {low:.2f} and {high:.2f} times the prediction"
        )
    else:
        basis = f"{confidence} confidence: assumed, no measurement of this class is at hand"
    return Estimate(
        value=value,
        low=value * min(low, 1.0),
        high=value * max(high, 1.0),
        unit=unit,
        basis=f"{stated} {basis}".strip(),
    )
