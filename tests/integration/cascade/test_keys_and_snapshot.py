"""Keys, limits, and what the gateways are told of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from billing.usecases import budgets
from cascade.models import Cascade, Snapshot, VirtualKey
from cascade.queries.snapshot import content
from cascade.usecases import cascades, keys, policies, rollouts, snapshots
from portal.access import SYSTEM, Actor
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import Feature
from portal.queries.people import secret_sha256


@pytest.fixture
def live(cascade: Cascade, actor_of_lead: Actor, noon: datetime) -> Cascade:
    """The cascade with its first policy live."""
    made = policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=made.number, now=noon)
    return cascade


def test_a_key_is_shown_once_and_kept_as_a_digest(
    live: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    row, secret = keys.create_key(actor=actor_of_lead, cascade=live, name="web", now=noon)
    assert secret.startswith(f"slwk_{row.prefix}_")
    assert row.secret_sha256 == secret_sha256(secret)
    kept = json.dumps(list(VirtualKey.objects.values()), default=str)
    assert secret not in kept


def test_members_make_no_keys_and_strangers_see_none(
    live: Cascade, actor_of_member: Actor, actor_of_stranger: Actor, noon: datetime
) -> None:
    with pytest.raises(NotAllowed):
        keys.create_key(actor=actor_of_member, cascade=live, name="web", now=noon)
    with pytest.raises(NotFound):
        keys.create_key(actor=actor_of_stranger, cascade=live, name="web", now=noon)


def test_a_key_says_everything_that_cannot_be(
    live: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    limits = keys.KeyLimits(requests_per_minute=0, monthly_usd=Decimal("0.0000001"))
    with pytest.raises(Invalid) as refused:
        keys.create_key(
            actor=actor_of_lead, cascade=live, name=" ", now=noon, limits=limits, expires_at=noon
        )
    assert set(refused.value.fields) == {
        "name", "requests_per_minute", "monthly_usd", "expires_at"
    }  # fmt: skip


def test_a_revoked_key_is_told_as_revoked_and_forgotten_later(
    live: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    row, _ = keys.create_key(actor=actor_of_lead, cascade=live, name="web", now=noon)
    assert content(now=noon)["keys"][row.prefix]["revoked"] is False
    keys.revoke_key(actor=actor_of_lead, cascade=live, prefix=row.prefix, now=noon)
    keys.revoke_key(actor=actor_of_lead, cascade=live, prefix=row.prefix, now=noon)
    assert content(now=noon)["keys"][row.prefix]["revoked"] is True
    assert content(now=noon + timedelta(days=31))["keys"] == {}
    with pytest.raises(NotFound):
        keys.revoke_key(actor=actor_of_lead, cascade=live, prefix="nobody", now=noon)


def test_the_snapshot_holds_policies_limits_and_prices(
    live: Cascade, feature: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(1000), now=noon)
    budgets.set_budget(actor=SYSTEM, team=feature.team, monthly_usd=Decimal(10), now=noon)
    cascades.set_limits(
        actor=actor_of_lead, feature=feature, monthly_usd=Decimal("2.500001"), now=noon
    )
    found = content(now=noon)
    told = found["cascades"][str(live.pk)]
    assert told["limits"] == {
        "feature_micro": 2_500_001, "team_micro": 10_000_000, "organisation_micro": 1_000_000_000
    }  # fmt: skip
    assert told["live"]["number"] == 1
    assert told["canary"] is None
    cheap = told["live"]["policy"]["stages"][0]["target"]["model"]
    tariff = found["prices"]["tariffs"][cheap]
    # Haiku 5.5, global: 0.10 and 0.50 USD for a million; from 100,001 tokens on, five times that.
    assert (tariff["input"], tariff["output"]) == (100_000_000_000, 500_000_000_000)
    assert (tariff["long_from"], tariff["long"]["input"]) == (100_001, 500_000_000_000)


def test_what_answers_nobody_is_not_told(cascade: Cascade, noon: datetime) -> None:
    assert content(now=noon)["cascades"] == {}


def test_the_snapshot_takes_the_same_queries_for_many_cascades(
    live: Cascade,
    feature: Feature,
    actor_of_lead: Actor,
    noon: datetime,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    other = cascades.create_cascade(
        actor=actor_of_lead, feature=feature, environment="staging", now=noon
    )
    made = policies.publish(actor=actor_of_lead, cascade=other, now=noon)
    rollouts.go_live(actor=actor_of_lead, cascade=other, number=made.number, now=noon)
    with django_assert_num_queries(6):
        assert len(content(now=noon)["cascades"]) == 2


class TestPublished:
    """Against a real Valkey."""

    @pytest.fixture(autouse=True)
    def store(self, settings: Any, cascade_url: str) -> Redis:
        settings.CASCADE_URL = cascade_url
        return Redis.from_url(cascade_url)

    def test_a_change_raises_the_version_and_no_change_keeps_it(
        self, live: Cascade, actor_of_lead: Actor, noon: datetime, store: Redis
    ) -> None:
        first = snapshots.publish_snapshot(now=noon)
        again = snapshots.publish_snapshot(now=noon + timedelta(seconds=10))
        keys.create_key(actor=actor_of_lead, cascade=live, name="web", now=noon)
        changed = snapshots.publish_snapshot(now=noon)
        assert first is not None
        assert changed is not None
        assert again == first < changed
        held = json.loads(store.get("cascade:snapshot") or b"")
        assert held["version"] == changed == int(store.get("cascade:snapshot:version") or 0)

    def test_a_store_that_was_emptied_has_it_back(
        self, live: Cascade, noon: datetime, store: Redis
    ) -> None:
        first = snapshots.publish_snapshot(now=noon)
        store.flushdb()
        assert snapshots.publish_snapshot(now=noon) == first
        assert json.loads(store.get("cascade:snapshot") or b"")["version"] == first

    def test_a_store_that_outlived_the_database_is_overtaken(
        self, live: Cascade, noon: datetime, store: Redis
    ) -> None:
        store.set("cascade:snapshot:version", 900)
        assert snapshots.publish_snapshot(now=noon) == 901
        assert Snapshot.objects.order_by("-version").first().version == 901

    def test_a_revoked_key_is_told_at_once(
        self,
        live: Cascade,
        actor_of_lead: Actor,
        noon: datetime,
        store: Redis,
        django_capture_on_commit_callbacks: Callable[..., Any],
    ) -> None:
        row, _ = keys.create_key(actor=actor_of_lead, cascade=live, name="web", now=noon)
        with django_capture_on_commit_callbacks(execute=True):
            keys.revoke_key(actor=actor_of_lead, cascade=live, prefix=row.prefix, now=noon)
        held = json.loads(store.get("cascade:snapshot") or b"")
        assert held["keys"][row.prefix]["revoked"] is True

    def test_a_store_that_is_away_costs_nothing_but_the_message(
        self, live: Cascade, noon: datetime, settings: Any
    ) -> None:
        settings.CASCADE_URL = "redis://127.0.0.1:1/0"
        assert snapshots.publish_snapshot(now=noon) is None
