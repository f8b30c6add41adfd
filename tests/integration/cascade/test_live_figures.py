"""Live figures add up, beside what each stage alone would have cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from cascade.domain.prices import as_usd, cost_pico
from cascade.domain.request import Tokens
from cascade.domain.tariffs import hourly_key
from cascade.models import Attempt, Cascade, Trial
from cascade.queries import live
from cascade.queries.cascades import standing_of
from cascade.queries.rivals import beside
from cascade.queries.tariffs import price_table
from cascade.usecases.streams import stream_at, turn
from portal.access import Actor
from portal.models import Feature
from tests.integration.cascade.logbook import logged
from tests.integration.cascade.money_drill import gateway, tell


def test_live_figures_equal_the_log_to_the_last_digit(
    priced: None,
    feature: Feature,
    cascade_url: str,
    noon: datetime,
    actor_of_lead: Actor,
    actor_of_stranger: Actor,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    pretend = gateway(feature, now=noon)
    for _ in range(40):
        made, told = pretend.request()
        tell(cascade_url, [*made, told])
    with stream_at(cascade_url) as stream:
        turn(stream=stream, now=noon)
    with django_assert_num_queries(7):
        found = live.live(cascade=pretend.cascade, now=noon)
    rows = Trial.objects.filter(cascade=pretend.cascade)
    assert found.whole.requests == 40 == sum(bar.figures.requests for bar in found.hours)
    assert found.whole.usd == found.month.usd == sum(row.usd for row in rows)
    assert found.whole.shadow_usd == sum(row.shadow_usd for row in rows)
    attempts = Attempt.objects.filter(cascade=pretend.cascade)
    assert sum(found.by_role.values()) == sum(each.usd for each in attempts)
    assert found.whole.total_usd == sum(each.usd for each in attempts)
    given = found.whole.answered + found.whole.short
    assert sum(stage.answered for stage in found.stages) == given
    (line,) = live.overview(actor=actor_of_lead, now=noon)
    assert line.day == found.whole
    assert live.overview(actor=actor_of_stranger, now=noon) == ()


def test_the_overview_takes_the_same_queries_for_many_cascades(
    answering: Cascade,
    feature: Feature,
    noon: datetime,
    actor_of_lead: Actor,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    Cascade.objects.create(feature=feature, environment="staging", slug="other", created_at=noon)
    with django_assert_num_queries(5):
        assert len(live.overview(actor=actor_of_lead, now=noon)) == 2


def test_each_stage_alone_stands_beside_what_was_booked_for_the_same_requests(
    answering: Cascade, noon: datetime, django_assert_num_queries: Callable[..., Any]
) -> None:
    logged(answering, 1, at=noon)
    logged(answering, 2, at=noon, stage="large", shadow=False)
    logged(answering, 3, at=noon, shadow=True)
    standing = standing_of(cascade=answering)
    price_table(now=noon)
    with django_assert_num_queries(3):
        found = beside(cascade=answering, standing=standing, now=noon)
    assert found is not None
    rows = Trial.objects.filter(cascade=answering)
    assert (found.requests, found.usd) == (3, sum(row.usd + row.shadow_usd for row in rows))
    assert [each.stage for each in found.rivals] == ["large", "medium", "small"]
    table = price_table(now=noon)
    for each in found.rivals:
        tariff = table.find(each.model)
        assert tariff is not None
        assert each.usd == 3 * as_usd(cost_pico(tariff, Tokens(100, 20)))
        assert each.saved_usd == each.usd - found.usd


def test_answers_paid_by_the_hour_stand_beside_nothing(answering: Cascade, noon: datetime) -> None:
    logged(answering, 1, at=noon)
    logged(answering, 2, at=noon)
    Attempt.objects.filter(trial_uuid=UUID(int=2)).update(model=hourly_key("own-llama"))
    found = beside(cascade=answering, standing=standing_of(cascade=answering), now=noon)
    assert found is not None
    assert (found.requests, found.by_the_hour) == (1, 1)
    assert found.usd == Trial.objects.get(uuid=UUID(int=1)).usd


def test_nothing_stands_beside_a_cascade_that_answered_nothing(
    answering: Cascade, noon: datetime
) -> None:
    assert beside(cascade=answering, standing=standing_of(cascade=answering), now=noon) is None
    assert beside(cascade=answering, standing=None, now=noon) is None
