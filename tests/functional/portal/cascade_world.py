"""A cascade of the chat team in which every address of the cascade app leads somewhere."""

from __future__ import annotations

import io
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from cascade.domain.calibration.choosing import Target
from cascade.models import Alert, Attempt, Cascade, Replay, Trial
from cascade.usecases import (
    calibrations,
    cascades,
    keys,
    policies,
    replays,
    rollouts,
    trainings,
    uploads,
)
from cascade.usecases.asking import Over
from portal.access import Actor
from portal.models import Feature
from tests.integration.cascade.test_runs import lines

UUID_OF_THE_TRIAL = UUID(int=7)
UUID_OF_THE_ATTEMPT = UUID(int=8)


def build(*, actor: Actor, feature: Feature, now: datetime) -> dict[str, Any]:
    """Make a cascade with two policies, the first live, a draft, and one of everything else."""
    cascade = cascades.create_cascade(
        actor=actor, feature=feature, environment="production", now=now
    )
    first = policies.publish(actor=actor, cascade=cascade, now=now)
    rollouts.go_live(actor=actor, cascade=cascade, number=1, now=now)
    models = [stage["target"]["model"] for stage in first.body["stages"]]
    upload = uploads.upload_trials(
        actor=actor, cascade=cascade, name="sample.jsonl",
        file=io.BytesIO(lines(150)), now=now,
        names=dict(zip(("weak", "fair", "strong"), models, strict=True)),
    )  # fmt: skip
    over = Over(upload=upload.pk)
    _edit(cascade, actor=actor, threshold=0.7, over=over, now=now)
    policies.publish(actor=actor, cascade=cascade, now=now)
    replay = _edit(cascade, actor=actor, threshold=0.6, over=over, now=now)
    key, _ = keys.create_key(actor=actor, cascade=cascade, name="web", now=now)
    asked = calibrations.request_calibration(
        actor=actor, cascade=cascade, target=Target(quality=0.8), over=over, now=now
    )
    learning = trainings.request_training(actor=actor, cascade=cascade, over=over, now=now)
    return {
        "cascade": cascade,
        "virtual_key": key,
        "trial": answered(cascade, key=key.prefix, now=now),
        "replay": replay,
        "calibration": calibrations.run_calibration(calibration_id=asked.pk, clock=lambda: now),
        "training": trainings.run_training(training_id=learning.pk, clock=lambda: now),
        "upload": upload,
        "alert": Alert.objects.create(
            cascade=cascade, kind="drift", sentence="Prompts grew longer.", at=now
        ),
    }


def _edit(
    cascade: Cascade, *, actor: Actor, threshold: float, over: Over, now: datetime
) -> Replay | None:
    """Save a draft with another first threshold, and replay it."""
    body = deepcopy(cascade.policies.order_by("number")[0].body)
    body["stages"][0]["threshold"] = threshold
    policies.save_draft(actor=actor, cascade=cascade, body=body, now=now)
    asked = replays.request_replay(actor=actor, cascade=cascade, over=over, now=now)
    return replays.run_replay(replay_id=asked.pk, clock=lambda: now)


def answered(cascade: Cascade, *, key: str, now: datetime) -> Trial:
    """Log one request that the first stage answered."""
    model = cascade.policies.order_by("number")[0].body["stages"][0]["target"]["model"]
    whose = {
        "cascade": cascade, "feature": cascade.feature, "team": cascade.feature.team,
        "key": key, "policy": 1, "at": now,
    }  # fmt: skip
    Attempt.objects.create(
        **whose, uuid=UUID_OF_THE_ATTEMPT, trial_uuid=UUID_OF_THE_TRIAL, number=1, role="stage",
        stage="small", model=model, outcome="answered", input_tokens=100, output_tokens=20,
        usd=Decimal("0.00002"), micro=20, latency_ms=300, price_version="p",
    )  # fmt: skip
    return Trial.objects.create(
        **whose, uuid=UUID_OF_THE_TRIAL, status="answered", http=200, stage="small",
        plan={"order": ["small", "medium", "large"], "reason": "every stage in turn",
              "p_right": [], "highest": "large"},
        tried=[{"stage": "small", "score": 0.91, "findings": ["complete"], "failed": ""}],
        prompt="Where is my parcel?", answer="On its way.", latency_ms=310, overhead_ms=0.8,
        usd=Decimal("0.00002"), shadow_usd=0, baseline_usd=Decimal("0.0008"),
        baseline_model="large",
    )  # fmt: skip
