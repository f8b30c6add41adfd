"""A cascade of the chat team in which every address of the cascade app leads somewhere."""

from __future__ import annotations

import io
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from cascade.domain.digests import canonical, digest_of
from cascade.domain.reading import read
from cascade.models import Alert, Attempt, Calibration, Cascade, Replay, Training, Trial
from cascade.usecases import cascades, keys, policies, rollouts, uploads
from portal.access import Actor
from portal.models import Feature

UUID_OF_THE_TRIAL = UUID(int=7)
UUID_OF_THE_ATTEMPT = UUID(int=8)
LINE = (
    b'{"trial_id": "t1", "prompt": "Where is my parcel?", "outcomes": '
    b'{"small": {"quality": 1, "input_tokens": 10, "output_tokens": 5}}}\n'
)


def build(*, actor: Actor, feature: Feature, now: datetime) -> dict[str, Any]:
    """Make a cascade with two policies, the first live, a draft, and one of everything else."""
    cascade = cascades.create_cascade(
        actor=actor, feature=feature, environment="production", now=now
    )
    first = policies.publish(actor=actor, cascade=cascade, now=now)
    rollouts.go_live(actor=actor, cascade=cascade, number=1, now=now)
    edit(cascade, actor=actor, threshold=0.7, now=now)
    policies.publish(actor=actor, cascade=cascade, now=now)
    replay = edit(cascade, actor=actor, threshold=0.6, now=now)
    key, _ = keys.create_key(actor=actor, cascade=cascade, name="web", now=now)
    calibration = Calibration.objects.create(
        cascade=cascade, body=first.body, digest=first.digest, request={}, state="done",
        result={"policy": replay.body, "digest": replay.digest, "words": "It holds."},
        made_at=now, made_by="lead", ended_at=now,
    )  # fmt: skip
    return {
        "cascade": cascade,
        "virtual_key": key,
        "trial": answered(cascade, key=key.prefix, now=now),
        "replay": replay,
        "calibration": calibration,
        "training": Training.objects.create(
            cascade=cascade,
            kind="router",
            body=first.body,
            request={},
            made_at=now,
            made_by="lead",
        ),
        "upload": uploads.upload_trials(
            actor=actor, cascade=cascade, name="sample.jsonl", file=io.BytesIO(LINE), now=now
        ),
        "alert": Alert.objects.create(
            cascade=cascade, kind="drift", sentence="Prompts grew longer.", at=now
        ),
    }


def edit(cascade: Cascade, *, actor: Actor, threshold: float, now: datetime) -> Replay:
    """Save a draft with another first threshold, and let its replay be over."""
    body = deepcopy(cascade.policies.order_by("number")[0].body)
    body["stages"][0]["threshold"] = threshold
    policies.save_draft(actor=actor, cascade=cascade, body=body, now=now)
    policy = read(body)
    return Replay.objects.create(
        cascade=cascade, body=canonical(policy), digest=digest_of(policy), request={},
        state="done", result={}, made_at=now, made_by="lead", ended_at=now,
    )  # fmt: skip


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
