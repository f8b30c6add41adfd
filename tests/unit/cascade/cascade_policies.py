"""Policies, prices and trials that the tests of the cascade share."""

from __future__ import annotations

from cascade.domain.policy import Kind, Policy, Stage, Target
from cascade.domain.prices import PICO, PriceTable, Tariff
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial

MODELS = ("small", "middle", "large")


def target(model: str) -> Target:
    return Target(kind=Kind.BEDROCK, model=model, address=model)


def stage(model: str, threshold: float = 0.8, **more) -> Stage:
    return Stage(name=model, target=target(model), threshold=threshold, **more)


def policy(*stages: Stage, **more) -> Policy:
    return Policy(stages=stages or tuple(stage(model) for model in MODELS), **more)


def price_table(
    *ratios: int, models: tuple[str, ...] = MODELS, version: str = "test"
) -> PriceTable:
    """Prices in these ratios: 1 is a dollar for a million input tokens and five for output."""
    tariffs = {
        model: Tariff(input=ratio * PICO, output=5 * ratio * PICO, cached=ratio * PICO // 10)
        for model, ratio in zip(models, ratios, strict=True)
    }
    return PriceTable(version=version, region="us-east-1", as_of="2026-11-20", tariffs=tariffs)


def trial(name: str, *outcomes: tuple[float, float] | None, **more) -> Trial:
    """A trial whose models, small to large, have these (quality, score); 1,000 in, 100 out."""
    made = {
        model: Outcome(
            quality=outcome[0],
            score=outcome[1],
            tokens=Tokens(input=1000, output=100),
            latency_s=1.0 + place,
        )
        for place, (model, outcome) in enumerate(zip(MODELS, outcomes, strict=False))
        if outcome is not None
    }
    return Trial(trial_id=name, prompt=f"prompt {name}", outcomes=made, **more)
