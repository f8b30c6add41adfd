"""A policy's way: draft, replay, version, canary, live, and back."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest

from cascade.models import Cascade, Draft, Replay, Rollout
from cascade.queries import cascades as queries
from cascade.usecases import cascades, policies, rollouts
from portal.access import Actor
from portal.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.models import AuditEvent, Feature


def body_of(cascade: Cascade) -> dict[str, Any]:
    return deepcopy(Draft.objects.get(cascade=cascade).body)


def replayed(cascade: Cascade, now: datetime) -> None:
    """Pretend a worker has replayed the draft."""
    draft = Draft.objects.get(cascade=cascade)
    Replay.objects.create(
        cascade=cascade, body=draft.body, digest=draft.digest, request={}, state="done",
        result={}, made_at=now, made_by="test", ended_at=now,
    )  # fmt: skip


def first_live(cascade: Cascade, actor: Actor, now: datetime) -> None:
    made = policies.publish(actor=actor, cascade=cascade, now=now)
    rollouts.go_live(actor=actor, cascade=cascade, number=made.number, now=now)


def changed(cascade: Cascade, actor: Actor, now: datetime, threshold: float = 0.7) -> int:
    """Publish another policy and return its number."""
    live = queries.standing_of(cascade=cascade)
    assert live is not None
    body = deepcopy(live.live.body)
    body["stages"][0]["threshold"] = threshold
    policies.save_draft(actor=actor, cascade=cascade, body=body, now=now)
    replayed(cascade, now)
    return policies.publish(actor=actor, cascade=cascade, now=now).number


def test_a_new_cascade_suggests_three_models_from_cheap_to_strong(cascade: Cascade) -> None:
    stages = body_of(cascade)["stages"]
    assert [stage["name"] for stage in stages] == ["small", "medium", "large"]
    assert [stage["target"]["address"] for stage in stages] == [
        "global.anthropic.claude-haiku-5-5",
        "global.anthropic.claude-sonnet-5-5",
        "global.anthropic.claude-opus-5-5",
    ]
    assert cascade.slug == "chatbot-production-cascade"
    assert queries.standing_of(cascade=cascade) is None


def test_a_feature_has_one_cascade_in_an_environment(
    cascade: Cascade, feature: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    with pytest.raises(cascades.AlreadyThere):
        cascades.create_cascade(
            actor=actor_of_lead, feature=feature, environment="production", now=noon
        )
    cascades.retire(actor=actor_of_lead, cascade=cascade, now=noon)
    again = cascades.create_cascade(
        actor=actor_of_lead, feature=feature, environment="production", now=noon
    )
    assert again.slug == "chatbot-production-cascade-2"


def test_strangers_cannot_tell_a_cascade_from_nothing(
    cascade: Cascade, actor_of_stranger: Actor, noon: datetime
) -> None:
    with pytest.raises(NotFound):
        queries.cascade_for(actor=actor_of_stranger, slug=cascade.slug)
    with pytest.raises(NotFound):
        policies.save_draft(
            actor=actor_of_stranger, cascade=cascade, body=body_of(cascade), now=noon
        )


def test_a_draft_says_every_fault_at_its_place(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    body = body_of(cascade)
    body["stages"][0]["threshold"] = 2
    body["streaming"] = "sometimes"
    with pytest.raises(Invalid) as refused:
        policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    assert set(refused.value.fields) == {"stages.0.threshold", "streaming"}


def test_a_model_nobody_knows_is_no_stage(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    body = body_of(cascade)
    body["stages"][1]["target"]["address"] = "us.nobody.knows"
    body["router"] = "router-9"
    with pytest.raises(Invalid) as refused:
        policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    assert set(refused.value.fields) == {"stages.1.target.model", "router"}


def test_a_draft_that_somebody_else_changed_is_not_overwritten(
    cascade: Cascade, actor_of_lead: Actor, actor_of_member: Actor, noon: datetime
) -> None:
    body = body_of(cascade)
    policies.save_draft(
        actor=actor_of_member, cascade=cascade, body=body, now=noon, edition=1, note="mine"
    )
    with pytest.raises(policies.EditedMeanwhile, match="member"):
        policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon, edition=1)


def test_the_first_policy_needs_no_replay_and_every_other_one_does(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    first_live(cascade, actor_of_lead, noon)
    standing = queries.standing_of(cascade=cascade)
    assert standing is not None
    body = deepcopy(standing.live.body)
    body["stages"][0]["threshold"] = 0.6
    policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    with pytest.raises(policies.NotReplayed):
        policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    replayed(cascade, noon)
    body["stages"][0]["threshold"] = 0.61
    policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    with pytest.raises(policies.NotReplayed):
        policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    replayed(cascade, noon)
    made = policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    assert (made.number, made.replay is not None) == (2, True)
    assert queries.draft_of(cascade=cascade) is None


def test_what_says_the_same_is_not_published_twice(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    body = body_of(cascade)
    first_live(cascade, actor_of_lead, noon)
    policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    with pytest.raises(policies.NothingToPublish):
        policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)


def test_a_policy_goes_canary_live_and_back(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    first_live(cascade, actor_of_lead, noon)
    number = changed(cascade, actor_of_lead, noon)
    with pytest.raises(rollouts.NoCanary):
        rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=number, now=noon)
    rollouts.start_canary(actor=actor_of_lead, cascade=cascade, number=number, share=0.05, now=noon)
    standing = queries.standing_of(cascade=cascade)
    assert standing is not None
    assert standing.canary is not None
    assert (standing.live.number, standing.canary.number, standing.canary_share) == (1, 2, 0.05)
    rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=number, now=noon)
    rollouts.roll_back(actor=actor_of_lead, cascade=cascade, number=1, now=noon, why="worse")
    steps = list(queries.rollouts(cascade=cascade).values_list("step", "live__number"))
    assert steps == [("rollback", 1), ("live", 2), ("canary", 1), ("live", 1)]
    sentences = AuditEvent.objects.filter(verb="roll-out").values_list("sentence", flat=True)
    assert "lead went back to policy 1 of chatbot-production-cascade." in [
        each.replace("lead@content-ai.example", "lead") for each in sentences
    ]


def test_nobody_goes_back_to_what_was_never_live(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    first_live(cascade, actor_of_lead, noon)
    number = changed(cascade, actor_of_lead, noon)
    with pytest.raises(Conflict, match="never live"):
        rollouts.roll_back(actor=actor_of_lead, cascade=cascade, number=number, now=noon)


@pytest.mark.parametrize("share", [0.0, 0.95, 1.0, -1.0, float("nan")])
def test_a_canary_is_a_share(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime, share: float
) -> None:
    first_live(cascade, actor_of_lead, noon)
    number = changed(cascade, actor_of_lead, noon)
    with pytest.raises(Invalid):
        rollouts.start_canary(
            actor=actor_of_lead, cascade=cascade, number=number, share=share, now=noon
        )


def test_a_member_edits_and_a_lead_promotes(
    cascade: Cascade, actor_of_member: Actor, noon: datetime
) -> None:
    made = policies.publish(actor=actor_of_member, cascade=cascade, now=noon)
    with pytest.raises(NotAllowed):
        rollouts.go_live(actor=actor_of_member, cascade=cascade, number=made.number, now=noon)
    assert not Rollout.objects.exists()


def test_what_is_retired_changes_no_more(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    body = body_of(cascade)
    first_live(cascade, actor_of_lead, noon)
    cascades.retire(actor=actor_of_lead, cascade=cascade, now=noon)
    cascades.retire(actor=actor_of_lead, cascade=cascade, now=noon + timedelta(hours=1))
    cascade.refresh_from_db()
    assert cascade.retired_at == noon
    with pytest.raises(policies.Retired):
        policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    with pytest.raises(policies.Retired):
        rollouts.roll_back(actor=actor_of_lead, cascade=cascade, number=1, now=noon)
