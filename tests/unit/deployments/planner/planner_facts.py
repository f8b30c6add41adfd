"""What the planner's tests stand on: the product's own facts and prices, and a plain request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.domain.prices import PriceBook
from deployments.adapters import serving
from deployments.domain.planner import memory
from deployments.domain.planner.memory import Batching, Replica
from deployments.domain.planner.plan import CapacityPlan, LoadPoint, PlanRequest, plan
from deployments.domain.planner.result import MemoryParts
from tests.unit.deployments.advice_facts import book

FACTS = serving.load()
VALUES = FACTS.values


def replica(
    model: str, gpu: str, precision: str, tensor: int = 1, pipeline: int = 1, engine: str = "vllm"
) -> Replica:
    """One copy of a model."""
    return Replica(
        FACTS.architecture[model],
        FACTS.accelerator[gpu],
        FACTS.precision[precision],
        FACTS.engine[engine],
        tensor,
        pipeline,
    )


def parts(made: Replica, sequences: int = 256, step_tokens: int = 8192) -> MemoryParts:
    """Memory of one GPU."""
    return memory.parts(replica=made, batching=Batching(sequences, step_tokens), values=VALUES)


def request(**given: Any) -> PlanRequest:
    """Scenario B: FinanceAI's Llama-3 70B, with changes."""
    plain: dict[str, Any] = {
        "architecture": FACTS.architecture["Llama-3-70B"],
        "mean_rps": Decimal(5),
        "peak_rps": Decimal(12),
        "input_tokens_mean": 1500,
        "input_tokens_p95": 1800,
        "output_tokens_mean": 300,
        "output_tokens_p95": 300,
        "latency_ms": 3000,
        "usd_per_request": Decimal("0.02"),
    }
    return PlanRequest(**(plain | given))


def ask(
    prices: PriceBook | None = None, points: tuple[LoadPoint, ...] = (), **given: Any
) -> CapacityPlan:
    """Return the plan for a request."""
    return plan(request=request(**given), facts=FACTS, prices=prices or book(), load_points=points)
