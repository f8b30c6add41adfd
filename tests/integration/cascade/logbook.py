"""Requests written into the log as the worker does it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from cascade.models import Attempt, Cascade, Trial


def logged(
    cascade: Cascade,
    number: int,
    *,
    at: datetime,
    stage: str = "small",
    score: float = 0.9,
    shadow: bool = False,
    prompt: str = "Where is my parcel?",
) -> Trial:
    """Log a request as the worker does: the small stage was asked, and what it led to."""
    models = {
        each["name"]: each["target"]["model"]
        for each in cascade.policies.get(number=1).body["stages"]
    }
    whose: dict[str, Any] = {
        "cascade": cascade, "feature": cascade.feature, "team": cascade.feature.team,
        "key": "k", "policy": 1, "at": at,
    }  # fmt: skip
    tried = [{"stage": "small", "score": score, "findings": ["complete"], "failed": ""}]
    calls = [("stage", "small")]
    if stage != "small":
        tried.append({"stage": stage, "score": 0.99, "findings": [], "failed": ""})
        calls.append(("stage", stage))
    if shadow:
        calls.append(("shadow", "large"))
    trial = UUID(int=number)
    for place, (role, name) in enumerate(calls, 1):
        Attempt.objects.create(
            **whose, uuid=UUID(int=number * 100 + place), trial_uuid=trial, number=place,
            role=role, stage=name, model=models[name], outcome="answered", input_tokens=100,
            output_tokens=20, usd=Decimal("0.001"), micro=1000, latency_ms=400,
            price_version="p",
        )  # fmt: skip
    return Trial.objects.create(
        **whose, uuid=trial, status="answered", http=200, stage=stage, tried=tried,
        plan={"order": ["small", "medium", "large"], "reason": "every stage in turn",
              "p_right": [0.8, 0.9, 0.95], "highest": "large"},
        prompt=prompt, answer="On its way.", escalations=len(tried) - 1,
        usd=Decimal("0.001") * len(tried), shadow_usd=Decimal("0.001") * shadow,
        baseline_usd=Decimal("0.004"), baseline_model=models["large"],
    )  # fmt: skip
