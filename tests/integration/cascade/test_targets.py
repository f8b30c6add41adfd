"""What a stage may call: priced models, and deployments of the team that are paid by the hour."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest

from cascade.models import Cascade, Draft
from cascade.queries.snapshot import content
from cascade.usecases import policies, rollouts
from deployments.models import Deployment, Generation, Resource
from portal.access import Actor
from portal.errors import Invalid
from portal.models import Feature, Team


def running(
    feature: Feature, *, tier: str, now: datetime, key: str = "endpoint", told: dict | None = None
) -> Deployment:
    """Launch nothing, but leave the rows of a deployment that runs."""
    row = Deployment.objects.create(
        feature=feature, slug=f"{feature.slug}-own", environment="staging", created_at=now
    )
    generation = Generation.objects.create(
        deployment=row, number=1, option={}, tier=tier, model="llama-3-8b", monthly_usd=900,
        created_at=now, created_by="test",
    )  # fmt: skip
    Resource.objects.create(
        generation=generation, key=key, kind="k", name=f"slipway-{row.slug}", spec={},
        position=0, created_at=now, outputs={"arn": "arn:1"} if told is None else told,
    )  # fmt: skip
    row.current = generation
    row.save(update_fields=["current"])
    return row


def with_deployment(cascade: Cascade, slug: str) -> dict[str, Any]:
    body = deepcopy(Draft.objects.get(cascade=cascade).body)
    body["stages"][0]["target"] = {"deployment": slug}
    return body


@pytest.mark.parametrize(
    "tier, key, kind, address",
    [
        ("sagemaker-real-time", "endpoint", "sagemaker", "slipway-chatbot-own"),
        ("bedrock-provisioned", "throughput", "bedrock", "arn:1"),
    ],
)
def test_what_is_paid_by_the_hour_costs_no_tokens(
    cascade: Cascade,
    actor_of_lead: Actor,
    noon: datetime,
    tier: str,
    key: str,
    kind: str,
    address: str,
) -> None:
    running(cascade.feature, tier=tier, key=key, now=noon)
    body = with_deployment(cascade, "chatbot-own")
    draft = policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    assert draft.body["stages"][0]["target"] == {
        "kind": kind, "model": "llama-3-8b@hourly", "address": address,
        "deployment": "chatbot-own",
    }  # fmt: skip
    policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=1, now=noon)
    tariff = content(now=noon)["prices"]["tariffs"]["llama-3-8b@hourly"]
    assert (tariff["input"], tariff["output"], tariff["is_hourly"]) == (0, 0, True)


def refused(cascade: Cascade, actor: Actor, now: datetime) -> str:
    with pytest.raises(Invalid) as told:
        policies.save_draft(
            actor=actor, cascade=cascade, body=with_deployment(cascade, "chatbot-own"), now=now
        )
    return told.value.fields["stages.0.target.deployment"]


def test_tokens_are_never_counted_twice(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    running(cascade.feature, tier="bedrock-on-demand", now=noon)
    assert "counted twice. Name its model instead" in refused(cascade, actor_of_lead, noon)


def test_what_has_no_address_yet_is_waited_for(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    running(cascade.feature, tier="sagemaker-real-time", now=noon, told={})
    assert "wait until it is ready" in refused(cascade, actor_of_lead, noon)


def test_other_teams_deployments_are_not_there(
    cascade: Cascade, moderation_team: Team, actor_of_lead: Actor, noon: datetime
) -> None:
    other = Feature.objects.create(
        team=moderation_team, slug="theirs", name="Theirs", created_at=noon
    )
    running(other, tier="sagemaker-real-time", now=noon)
    body = with_deployment(cascade, "theirs-own")
    with pytest.raises(Invalid) as told:
        policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    assert "runs no deployment" in told.value.fields["stages.0.target.deployment"]
