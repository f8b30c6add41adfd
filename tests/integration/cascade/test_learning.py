"""Routers learn from labels, and traffic that grows harder is noticed and answered."""

from __future__ import annotations

import io
import json
import random
from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from cascade.models import (
    Alert,
    Cascade,
    DriftWatch,
    PolicyVersion,
    Rollout,
    Training,
    Trial,
    Verdict,
    Weights,
)
from cascade.queries.cascades import standing_of
from cascade.queries.snapshot import content
from cascade.usecases import alerts, drifts, policies, replays, rollouts, trainings, uploads
from cascade.usecases.asking import Over
from portal.access import Actor
from portal.errors import Invalid

HARD = ("prove the theorem", "derive the integral", "settle the dispute about two invoices")
EASY = ("where is my parcel", "what are your opening hours", "reset my password please")


def labelled(models: list[str], count: int) -> bytes:
    """Return trials in which the weak models fail what is hard; seeded."""
    dice, rows = random.Random(5), []
    for number in range(count):
        is_hard = dice.random() < 0.5
        prompt = f"{dice.choice(HARD if is_hard else EASY)} {number % 97}"
        right = (0.1 if is_hard else 0.95, 0.5 if is_hard else 0.95, 0.95)
        outcomes = {
            model: {
                "quality": float(dice.random() < chance), "score": 0.8,
                "input_tokens": 50, "output_tokens": 20,
            }
            for model, chance in zip(models, right, strict=True)
        }  # fmt: skip
        rows.append({"trial_id": str(number), "prompt": prompt, "outcomes": outcomes})
    return "\n".join(map(json.dumps, rows)).encode()


def trained(cascade: Cascade, actor: Actor, now: datetime, count: int = 600) -> Training:
    body = cascade.policies.get(number=1).body
    models = [stage["target"]["model"] for stage in body["stages"]]
    file = uploads.upload_trials(
        actor=actor, cascade=cascade, name="labels",
        file=io.BytesIO(labelled(models, count)), now=now,
    )  # fmt: skip
    asked = trainings.request_training(
        actor=actor, cascade=cascade, over=Over(upload=file.pk), now=now
    )
    done = trainings.run_training(training_id=asked.pk, clock=lambda: now)
    assert done is not None
    return done


def test_a_router_learns_what_is_hard_and_a_replay_uses_it(
    answering: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    done = trained(answering, actor_of_lead, noon)
    assert done.state == "done"
    assert done.result["fits"][0]["is_used"]
    assert done.result["fits"][0]["auc"] > 0.85
    body = deepcopy(answering.policies.get(number=1).body)
    body |= {"classifier": "learned", "router": done.result["version"]}
    policies.save_draft(actor=actor_of_lead, cascade=answering, body=body, now=noon)
    over = Over(upload=answering.uploads.get().pk)
    asked = replays.request_replay(actor=actor_of_lead, cascade=answering, over=over, now=noon)
    routed = replays.run_replay(replay_id=asked.pk, clock=lambda: noon)
    assert routed is not None
    plain = replays.request_replay(
        actor=actor_of_lead, cascade=answering, over=Over(upload=over.upload, policy=1), now=noon
    )
    ladder = replays.run_replay(replay_id=plain.pk, clock=lambda: noon)
    assert ladder is not None
    assert routed.result["stages"][0]["asked"] < ladder.result["stages"][0]["asked"]


def test_a_replay_looks_at_texts_that_have_no_score(
    answering: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    models = [each["target"]["model"] for each in answering.policies.get(number=1).body["stages"]]
    used = {"input_tokens": 10, "output_tokens": 10, "quality": 1}
    refusal = "I'm sorry, but I can't help with that request."
    right = "Your parcel was handed to the carrier on Monday and arrives tomorrow."
    rows = [
        {"trial_id": str(number), "prompt": "Where is my parcel?", "outcomes": {
            models[0]: {**used, "text": text}, models[1]: {**used, "score": 0.99},
            models[2]: {**used, "score": 0.99},
        }}
        for number, text in enumerate((refusal, right))
    ]  # fmt: skip
    file = uploads.upload_trials(
        actor=actor_of_lead, cascade=answering, name="kept_texts", now=noon,
        file=io.BytesIO("\n".join(map(json.dumps, rows)).encode()),
    )  # fmt: skip
    asked = replays.request_replay(
        actor=actor_of_lead, cascade=answering, over=Over(upload=file.pk), now=noon
    )
    done = replays.run_replay(replay_id=asked.pk, clock=lambda: noon)
    assert done is not None
    small, medium, _ = done.result["stages"]
    assert (small["asked"], small["rejected"] + small["answered"]) == (2, 2)
    assert small["rejected"] >= 1
    assert medium["asked"] == small["rejected"]


def test_gateways_are_told_the_weights_that_a_live_policy_names(
    answering: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    version = trained(answering, actor_of_lead, noon).result["version"]
    assert content(now=noon)["cascades"][str(answering.pk)]["weights"] == {}
    body = deepcopy(answering.policies.get(number=1).body)
    body |= {"classifier": "learned", "router": version}
    policies.save_draft(actor=actor_of_lead, cascade=answering, body=body, now=noon)
    over = Over(upload=answering.uploads.get().pk)
    asked = replays.request_replay(actor=actor_of_lead, cascade=answering, over=over, now=noon)
    replays.run_replay(replay_id=asked.pk, clock=lambda: noon)
    policies.publish(actor=actor_of_lead, cascade=answering, now=noon)
    rollouts.start_canary(
        actor=actor_of_lead, cascade=answering, number=2, share=0.1, now=noon + timedelta(hours=1)
    )
    assert set(content(now=noon)["cascades"][str(answering.pk)]["weights"]) == {version}


def test_a_router_for_other_stages_is_refused(
    answering: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    version = trained(answering, actor_of_lead, noon, count=30).result["version"]
    body = deepcopy(answering.policies.get(number=1).body)
    body |= {"classifier": "learned", "router": version, "step_down": []}
    del body["stages"][1]
    with pytest.raises(Invalid) as refused:
        policies.save_draft(actor=actor_of_lead, cascade=answering, body=body, now=noon)
    assert "small, medium, large" in refused.value.fields["router"]


def test_without_labels_nothing_is_trained(
    answering: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    used = {"input_tokens": 1, "output_tokens": 1}
    text = json.dumps({"trial_id": "1", "prompt": "x", "outcomes": {"m": used}}).encode()
    file = uploads.upload_trials(
        actor=actor_of_lead, cascade=answering, name="x", file=io.BytesIO(text), now=noon
    )
    asked = trainings.request_training(
        actor=actor_of_lead, cascade=answering, over=Over(upload=file.pk), now=noon
    )
    done = trainings.run_training(training_id=asked.pk, clock=lambda: noon)
    assert done is not None
    assert (done.state, done.words) == (
        "failed", "Nobody has judged an answer of these stages yet."
    )  # fmt: skip
    assert not Weights.objects.exists()


def served(cascade: Cascade, count: int, *, hard: float, at: datetime, start: int = 0) -> None:
    """Log requests of which a share is hard: low scores, and up they go; seeded."""
    dice = random.Random(11 + start)
    number = standing_of(cascade=cascade).live.number
    rows = []
    for place in range(count):
        is_hard = dice.random() < hard
        score = dice.uniform(0.1, 0.6) if is_hard else dice.uniform(0.5, 1.0)
        up = score < 0.85
        rows.append(
            Trial(
                uuid=UUID(int=start + place), at=at, cascade=cascade, feature=cascade.feature,
                team=cascade.feature.team, key="k", policy=number, status="answered", http=200,
                stage="medium" if up else "small", tried=[{"stage": "small", "score": score}],
                escalations=int(up), usd=Decimal(0), shadow_usd=0, baseline_usd=0,
            )
        )  # fmt: skip
    Trial.objects.bulk_create(rows)


def test_usual_traffic_raises_no_alarm(answering: Cascade, noon: datetime) -> None:
    served(answering, 999, hard=0.1, at=noon)
    assert drifts.watch_drift(now=noon) == 0
    assert DriftWatch.objects.get(name="score").reference is None
    served(answering, 1, hard=0.1, at=noon, start=5000)
    assert drifts.watch_drift(now=noon) == 0
    assert DriftWatch.objects.get(name="score").reference is not None
    served(answering, 4000, hard=0.1, at=noon, start=10_000)
    assert drifts.watch_drift(now=noon) == 0
    assert not Alert.objects.exists()


def test_what_is_usual_is_taken_from_as_many_requests_as_there_are(
    answering: Cascade, noon: datetime
) -> None:
    served(answering, 1000, hard=0.1, at=noon)
    drifts.watch_drift(now=noon)
    row = DriftWatch.objects.get(name="score")
    assert (row.reference["count"], row.reference["hard"]) == (1000, [])
    served(answering, 999, hard=0.1, at=noon, start=10_000)
    drifts.watch_drift(now=noon)
    row.refresh_from_db()
    assert (row.reference["count"], row.seen) == (1000, 999)
    served(answering, 1, hard=0.1, at=noon, start=20_000)
    drifts.watch_drift(now=noon)
    row.refresh_from_db()
    assert (row.reference["count"], row.seen) == (2000, 0)


def test_requests_that_were_judged_wrong_say_what_hard_looks_like(
    answering: Cascade, noon: datetime
) -> None:
    served(answering, 1000, hard=0.1, at=noon)
    low = [each for each in Trial.objects.all() if each.tried[0]["score"] < 0.5][:40]
    Verdict.objects.bulk_create(
        Verdict(trial=each, stage="small", quality=0, source="judge", by="j", at=noon)
        for each in low
    )
    drifts.watch_drift(now=noon)
    held = DriftWatch.objects.get(name="score").reference
    assert held["hard"][0] > 3 * held["shares"][0]
    assert held["hard"][-1] < held["shares"][-1]
    served(answering, 10, hard=0.1, at=noon, start=10_000)
    drifts.watch_drift(now=noon)
    assert len(DriftWatch.objects.get(name="score").sums) == 2


def test_harder_traffic_is_not_taken_for_usual_while_its_alert_is_open(
    answering: Cascade, noon: datetime
) -> None:
    PolicyVersion.objects.filter(cascade=answering).update(
        body=PolicyVersion.objects.get(cascade=answering).body | {"tightens": False}
    )
    served(answering, 1000, hard=0.1, at=noon)
    drifts.watch_drift(now=noon)
    served(answering, 1500, hard=0.5, at=noon, start=10_000)
    assert drifts.watch_drift(now=noon) == 2
    served(answering, 1500, hard=0.1, at=noon, start=20_000)
    drifts.watch_drift(now=noon)
    row = DriftWatch.objects.get(name="score")
    assert (row.reference["count"], row.seen) == (1000, 1500)


def test_harder_traffic_raises_an_alert_and_the_thresholds_once(
    answering: Cascade, noon: datetime, actor_of_lead: Actor
) -> None:
    served(answering, 1000, hard=0.1, at=noon)
    drifts.watch_drift(now=noon)
    served(answering, 1500, hard=0.5, at=noon, start=10_000)
    later = noon + timedelta(minutes=1)
    assert drifts.watch_drift(now=later) == 2
    found = {row.kind: row for row in Alert.objects.all()}
    assert set(found) == {"drift-score", "drift-escalations"}
    assert sum(bool(row.action) for row in found.values()) == 1
    standing = standing_of(cascade=answering)
    assert standing is not None
    assert (standing.rollout.step, standing.live.number) == ("tighten", 2)
    before = [stage["threshold"] for stage in PolicyVersion.objects.get(number=1).body["stages"]]
    after = [stage["threshold"] for stage in standing.live.body["stages"]]
    assert after == [0.87, 0.92, before[2]]
    assert drifts.watch_drift(now=later) == 0
    for row in found.values():
        alerts.close_alert(actor=actor_of_lead, alert=row, now=later)
    assert not Alert.objects.filter(closed_at=None).exists()


def test_a_policy_that_does_not_tighten_only_raises_an_alert(
    answering: Cascade, noon: datetime
) -> None:
    row = PolicyVersion.objects.get(cascade=answering)
    PolicyVersion.objects.filter(pk=row.pk).update(body=row.body | {"tightens": False})
    served(answering, 1000, hard=0.1, at=noon)
    drifts.watch_drift(now=noon)
    served(answering, 1500, hard=0.5, at=noon, start=10_000)
    assert drifts.watch_drift(now=noon) == 2
    assert Rollout.objects.count() == 1
