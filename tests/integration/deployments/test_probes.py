"""A probe is planned, paid once, capped, stopped, taken over when its worker is lost, and used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Charge, Reservation, UsageEvent
from billing.usecases import budgets, prices
from billing.usecases.reservations import OverBudget
from deployments import tasks
from deployments.adapters.pretend_prober import PretendProber
from deployments.domain.probing import Ask, Heard, Outcome
from deployments.models import Probe, ProbeRequest
from deployments.queries import probes as queries
from deployments.usecases import probes, probing
from portal.access import SYSTEM, Actor
from portal.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.models import AuditEvent, Feature
from tests.fixtures.servers import Sandbox
from tests.integration.deployments.drill import Clock

pytestmark = pytest.mark.django_db(transaction=True)
NOVA = "amazon.nova-micro-v1:0"
INVOKED = "us.amazon.nova-micro-v1:0"


@pytest.fixture
def paying(feature: Feature, noon: datetime) -> Feature:
    """The chatbot, with prices and a budget."""
    prices.load_list(now=noon)
    budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(1_000), now=noon)
    return feature


def wish(**changes: Any) -> probes.Wish:
    return probes.Wish(**{"model": NOVA, "route": "us", "requests": 12} | changes)


def twin(**changes: Any) -> PretendProber:
    return PretendProber(known=frozenset({INVOKED}), **changes)


def start(feature: Feature, actor: Actor, now: datetime, **changes: Any) -> Probe:
    return probes.start(actor=actor, feature=feature, wish=wish(**changes), now=now)


def run(
    probe: Probe, now: datetime, send: Callable[[Ask], Heard] | None = None, **more: Any
) -> Probe | None:
    pauses: list[float] = more.pop("pauses", [])
    return probing.run(
        probe_id=probe.pk, clock=lambda: now, send=send or twin(), pause=pauses.append, **more
    )


def booked_usd() -> Decimal:
    return sum((row.usd for row in Charge.objects.all()), Decimal(0))


def test_a_plan_says_the_most_it_can_cost_and_touches_nothing(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    plan = probes.plan(actor=actor_of_lead, feature=paying, wish=wish(requests=40), now=noon)

    # At most 411 tokens in at 0.035 and 100 out at 0.14 USD a million, 40 times.
    assert plan.each_usd == Decimal("0.000028385")
    assert plan.needed_usd == plan.most_usd == Decimal("0.0011354")
    assert plan.consent.fits
    assert not Probe.objects.exists()
    assert not Reservation.objects.exists()


def test_what_was_sent_is_counted_measured_and_booked_once(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    send = twin(first_token_ms=[300 + 10 * each for each in range(12)])
    done = run(start(paying, actor_of_lead, noon), noon, send)

    assert (done.sent, done.answered, done.throttled, done.failed, done.lost) == (12, 12, 0, 0, 0)
    assert done.ended_at == noon
    assert done.measured["answers"] == 12
    assert done.measured["first_token_ms"]["p50"]["value"] == 350
    assert done.measured["first_token_ms"]["p95"] == {"value": 410, "low": 390, "high": None}
    assert done.measured["confidence"].startswith("low: of 12 answers")
    assert done.spent_usd == booked_usd() == 12 * Decimal("0.0000245")
    assert UsageEvent.objects.filter(feature=paying, deployment=f"probe:{done.pk}").count() == 24
    assert len({ask.text for ask in send.asked}) == 12


def test_the_cap_is_held_while_it_runs_and_let_go_at_its_end(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    probe = start(paying, actor_of_lead, noon)
    held = Reservation.objects.get(released_at=None)
    assert (held.deployment, held.monthly_usd) == (f"probe:{probe.pk}", probe.most_usd)

    run(probe, noon)

    assert not Reservation.objects.filter(released_at=None).exists()


def test_no_request_is_sent_that_could_pass_the_cap(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    probe = start(paying, actor_of_lead, noon, most_usd=Decimal("0.0001"))
    send = twin()
    done = run(probe, noon, send)

    assert done.spent_usd <= Decimal("0.0001") < done.spent_usd + Decimal("0.000028385")
    assert done.sent == len(send.asked) == 3
    assert done.note.startswith("Ended after 3 requests: the next could pass the cap.")


def test_what_costs_more_than_reckoned_lowers_what_is_sent(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    def dear(ask: Ask) -> Heard:
        return Heard(Outcome.ANSWERED, 400, 1_400, 100, 2_000, 100)

    done = run(start(paying, actor_of_lead, noon), noon, dear)

    assert done.sent == 4
    assert done.spent_usd <= done.most_usd
    assert done.spent_usd == booked_usd()


def test_throttled_lost_and_failed_are_counted_apart_and_never_as_latency(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    trouble = [Outcome.THROTTLED, Outcome.ANSWERED, Outcome.LOST, Outcome.FAILED]
    pauses: list[float] = []
    done = run(start(paying, actor_of_lead, noon), noon, twin(outcomes=trouble), pauses=pauses)

    assert (done.sent, done.answered, done.throttled, done.failed, done.lost) == (12, 9, 1, 1, 1)
    assert done.measured["answers"] == 9
    assert pauses == [1.0]
    assert "Lost answers: 1;" in done.note
    # Nine answers at what they counted, one lost at the most it can have cost.
    expected = 9 * Decimal("0.0000245") + Decimal("0.000028385")
    assert done.spent_usd == booked_usd() == expected
    assert queries.measured(region="us-east-1", now=noon) == {}


def test_a_model_that_never_answers_is_given_up(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    pauses: list[float] = []
    send = twin(outcomes=[Outcome.THROTTLED] * 12)
    done = run(start(paying, actor_of_lead, noon), noon, send, pauses=pauses)

    assert (done.sent, done.throttled, done.spent_usd) == (8, 8, 0)
    assert done.measured == {}
    assert pauses == [1, 2, 4, 8, 16, 16, 16]
    assert "Given up after 8 requests in a row" in done.note
    assert "Too many requests" in done.note
    assert not Charge.objects.exists()


class Dying(BaseException):
    """kill -9, as seen from inside."""


def test_a_killed_workers_run_is_taken_over_and_nothing_is_paid_or_counted_twice(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    probe = start(paying, actor_of_lead, noon)
    first = twin()

    def dies_at_the_fifth(ask: Ask) -> Heard:
        heard = first(ask)
        if len(first.asked) == 5:
            raise Dying
        return heard

    with pytest.raises(Dying):
        run(probe, noon, dies_at_the_fifth)
    assert probing.abandoned(now=noon) == []
    assert run(probe, noon) is None  # its lease still holds

    later = noon + probing.LEASE + timedelta(seconds=1)
    assert probing.abandoned(now=later) == [probe.pk]
    second = twin()
    done = run(probe, later, second)

    assert (len(first.asked), len(second.asked)) == (5, 7)
    assert (done.sent, done.answered, done.lost) == (12, 11, 1)
    assert done.asked.get(number=5).words == probing.WORKER_LOST
    expected = 11 * Decimal("0.0000245") + Decimal("0.000028385")
    assert done.spent_usd == booked_usd() == expected
    assert probing.abandoned(now=later) == []


def test_a_worker_that_wakes_up_after_it_was_replaced_changes_nothing(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    probe = start(paying, actor_of_lead, noon)
    clock = Clock(noon)
    replaced: list[Probe | None] = []

    def sleeps(ask: Ask) -> Heard:
        if not replaced:
            clock.forward(probing.LEASE.total_seconds() + 1)
            replaced.append(run(probe, clock.now))
        return twin()(ask)

    assert probing.run(probe_id=probe.pk, clock=clock, send=sleeps, pause=lambda _: None) is None

    probe.refresh_from_db()
    assert (probe.sent, probe.answered, probe.lost) == (12, 11, 1)
    assert probe.spent_usd == booked_usd()
    assert ProbeRequest.objects.filter(probe=probe).count() == 12


def test_a_stopped_run_ends_with_what_was_sent(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    probe = start(paying, actor_of_lead, noon)
    send = twin()

    def stops_after_three(ask: Ask) -> Heard:
        if len(send.asked) == 2:
            probes.stop(actor=actor_of_lead, probe=probe, now=noon)
        return send(ask)

    done = run(probe, noon, stops_after_three)

    assert (done.sent, done.answered) == (3, 3)
    assert done.note == "Stopped after 3 of 12 requests."
    assert done.spent_usd == booked_usd()


def test_a_long_run_lets_go_and_is_run_on(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    probe = start(paying, actor_of_lead, noon)
    clock = Clock(noon)

    def slow(ask: Ask) -> Heard:
        clock.forward(25)
        return twin()(ask)

    paused = probing.run(probe_id=probe.pk, clock=clock, send=slow)
    assert (paused.sent, paused.ended_at) == (3, None)
    assert probing.abandoned(now=clock.now) == [probe.pk]

    done = run(probe, clock.now)
    assert (done.sent, done.answered, done.lost) == (12, 12, 0)


def test_an_answer_past_the_full_hour_is_booked_in_the_hour_it_was_asked_in(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    clock = Clock(noon + timedelta(minutes=59, seconds=59))

    def slow(ask: Ask) -> Heard:
        clock.forward(5)
        return twin()(ask)

    probe = start(paying, actor_of_lead, clock.now, requests=1)
    probing.run(probe_id=probe.pk, clock=clock, send=slow)

    event = UsageEvent.objects.first()
    assert event.started_at == noon + timedelta(minutes=59, seconds=59)
    assert event.ended_at == noon + timedelta(hours=1)


def test_a_team_probes_a_model_and_route_once_at_a_time(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    start(paying, actor_of_lead, noon)
    with pytest.raises(Conflict, match="runs already"):
        start(paying, actor_of_lead, noon)
    start(paying, actor_of_lead, noon, route="in-region")


def test_what_no_budget_carries_is_not_sent(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    budgets.set_budget(actor=SYSTEM, team=paying.team, monthly_usd=Decimal("0.01"), now=noon)
    with pytest.raises(OverBudget):
        start(paying, actor_of_lead, noon, requests=500)
    assert not Probe.objects.exists()


def test_a_member_may_look_at_the_cost_a_stranger_sees_nothing(
    paying: Feature,
    actor_of_lead: Actor,
    actor_of_member: Actor,
    actor_of_stranger: Actor,
    noon: datetime,
) -> None:
    probes.plan(actor=actor_of_member, feature=paying, wish=wish(), now=noon)
    with pytest.raises(NotAllowed):
        start(paying, actor_of_member, noon)
    probe = start(paying, actor_of_lead, noon)
    with pytest.raises(NotAllowed):
        probes.stop(actor=actor_of_member, probe=probe, now=noon)
    with pytest.raises(NotFound):
        probes.plan(actor=actor_of_stranger, feature=paying, wish=wish(), now=noon)
    with pytest.raises(NotFound):
        probes.stop(actor=actor_of_stranger, probe=probe, now=noon)
    with pytest.raises(NotFound):
        queries.probe_for(actor=actor_of_stranger, pk=probe.pk)
    assert queries.probe_for(actor=actor_of_member, pk=probe.pk) == probe


def test_asking_and_stopping_leave_an_audit_row(
    paying: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    probe = start(paying, actor_of_lead, noon)
    for _ in range(2):
        probes.stop(actor=actor_of_lead, probe=probe, now=noon)
    verbs = AuditEvent.objects.filter(subject="feature:chatbot").values_list("verb", flat=True)
    assert sorted(verbs) == ["probe", "stop-probe"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"model": "nobody.model"}, "model"),
        ({"route": "moon"}, "model"),
        ({"requests": 0}, "requests"),
        ({"requests": 501}, "requests"),
        ({"input_tokens": 79}, "input_tokens"),
        ({"input_tokens": 20_000}, "input_tokens"),
        ({"output_tokens": 1}, "output_tokens"),
        ({"output_tokens": 2_001}, "output_tokens"),
        ({"most_usd": Decimal("0.000001")}, "most_usd"),
        ({"most_usd": Decimal(0)}, "most_usd"),
        (
            {
                "model": "anthropic.claude-opus-5-5",
                "requests": 500,
                "input_tokens": 10_000,
                "route": "global",
            },
            "most_usd",
        ),
    ],
)
def test_a_figure_out_of_range_gets_a_sentence(
    paying: Feature, actor_of_lead: Actor, noon: datetime, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        start(paying, actor_of_lead, noon, **asked)
    assert refusal.value.fields.keys() == {field}


def test_what_has_no_price_is_not_probed(
    feature: Feature, actor_of_lead: Actor, noon: datetime
) -> None:
    with pytest.raises(Conflict, match="There is no price"):
        probes.plan(actor=actor_of_lead, feature=feature, wish=wish(), now=noon)


def test_a_message_runs_a_probe_to_its_end_and_a_second_one_does_nothing(
    paying: Feature, actor_of_lead: Actor, sandbox: Sandbox, eager_tasks: None
) -> None:
    sandbox.reset()
    probe = start(paying, actor_of_lead, datetime.now(UTC), requests=2, output_tokens=5)
    assert tasks.run_probe(probe_id=probe.pk) == "measured"
    assert tasks.run_probe(probe_id=probe.pk) == "busy"
    assert tasks.probes_due() == 0
    probe.refresh_from_db()
    assert (probe.sent, probe.answered, probe.is_sandbox) == (2, 2, True)
