"""Traffic is played once, counted truly, taken over when its player is lost, and stopped."""

from datetime import timedelta
from decimal import Decimal

import pytest

from deployments.domain.invocation import Answer, Outcome
from deployments.models import Deployment, Generation, TrafficRun
from deployments.usecases import traffic, workloads
from portal import aws
from portal.access import SYSTEM
from portal.errors import Conflict, Invalid, NotAllowed, NotFound

pytestmark = pytest.mark.django_db(transaction=True)

WORKLOAD = {
    "pattern": "real-time",
    "load": "2",
    "load_unit": "per-second",
    "peak_rps": "2",
    "input_tokens_mean": 200,
    "output_tokens_mean": 20,
    "latency_ms": 2000,
}


@pytest.fixture
def deployment(feature, noon):
    workload = workloads.read(given=WORKLOAD)
    workloads.describe(actor=SYSTEM, feature=feature, workload=workload, now=noon)
    found = Deployment.objects.create(
        feature=feature,
        slug="chatbot-production",
        environment="production",
        state="ready",
        created_at=noon,
    )
    found.current = Generation.objects.create(
        deployment=found,
        number=1,
        option={},
        tier="bedrock-on-demand",
        model="amazon.nova-micro-v1:0",
        monthly_usd=Decimal(1),
        created_at=noon,
        created_by="test",
    )
    found.save()
    return found


def start(deployment, actor, now, **changes):
    asked = {"load_seconds": 60, "speed": Decimal(10_000), "max_requests": 30, "seed": 7}
    return traffic.start(actor=actor, deployment=deployment, now=now, **(asked | changes))


class Answers:
    """A deployment that answers everything, in 40 ms, until told otherwise."""

    def __init__(self, outcome=Outcome.ANSWERED):
        self.outcome = outcome
        self.requests = []

    def __call__(self, *, tier, found):
        return self.answer

    def answer(self, request):
        self.requests.append(request)
        return Answer(self.outcome, 40, "Too many requests")


def test_a_run_sends_what_it_planned_and_says_of_how_many(deployment, actor_of_lead, noon):
    run = start(deployment, actor_of_lead, noon)
    answers = Answers()
    played = traffic.play(run_id=run.pk, clock=lambda: noon, find=answers)

    assert played.planned == played.sent == played.answered == len(answers.requests) == 30
    assert 60 < played.arrivals < 200  # about two a second, for a minute
    assert played.latency_ms == {"p50": 40, "p95": 40, "p99": 40}
    assert played.ended_at == noon


def test_throttled_requests_are_counted_apart_with_the_words(deployment, actor_of_lead, noon):
    run = start(deployment, actor_of_lead, noon)
    find = Answers(Outcome.THROTTLED)
    played = traffic.play(run_id=run.pk, clock=lambda: noon, find=find)
    assert (played.answered, played.throttled, played.failed) == (0, 30, 0)
    assert played.note == "Too many requests"


def test_a_lost_player_is_followed_by_one_that_sends_only_the_rest(deployment, actor_of_lead, noon):
    run = start(deployment, actor_of_lead, noon)
    TrafficRun.objects.filter(pk=run.pk).update(
        sent=25, answered=25, leased_until=noon + traffic.LEASE
    )
    answers = Answers()
    assert traffic.play(run_id=run.pk, clock=lambda: noon, find=answers) is None

    later = noon + traffic.LEASE + timedelta(seconds=1)
    assert traffic.abandoned(now=later) == [run.pk]
    played = traffic.play(run_id=run.pk, clock=lambda: later, find=answers)
    assert (len(answers.requests), played.sent, played.answered) == (5, 30, 30)


def test_a_player_that_was_taken_for_lost_writes_nothing_any_more(deployment, actor_of_lead, noon):
    run = start(deployment, actor_of_lead, noon)
    later = noon + traffic.LEASE * 2
    readings = []

    def slow_clock():
        readings.append(noon)
        if len(readings) == 2:  # it has sent its first batch, and its lease has run out meanwhile
            traffic.play(run_id=run.pk, clock=lambda: later, find=Answers())
        return noon

    slow = Answers()
    played = traffic.play(run_id=run.pk, clock=slow_clock, find=slow)

    assert 0 < len(slow.requests) < 30
    assert (played.sent, played.answered, played.ended_at) == (30, 30, later)


def test_one_deployment_plays_one_run_at_a_time(deployment, actor_of_lead, noon):
    start(deployment, actor_of_lead, noon)
    with pytest.raises(Conflict, match="already being played"):
        start(deployment, actor_of_lead, noon)


def test_a_stopped_run_ends_with_what_was_sent(deployment, actor_of_lead, noon):
    run = start(deployment, actor_of_lead, noon)
    traffic.stop(actor=actor_of_lead, run=run)
    played = traffic.play(run_id=run.pk, clock=lambda: noon, find=Answers())
    assert played.ended_at == noon
    assert played.sent == played.answered


def test_traffic_needs_a_deployment_that_is_ready(deployment, actor_of_lead, noon):
    deployment.state = "creating"
    with pytest.raises(Conflict, match="traffic needs it ready"):
        start(deployment, actor_of_lead, noon)


def test_a_member_may_not_play_and_a_stranger_sees_nothing(
    deployment, actor_of_member, actor_of_stranger, noon
):
    with pytest.raises(NotAllowed):
        start(deployment, actor_of_member, noon)
    with pytest.raises(NotFound):
        start(deployment, actor_of_stranger, noon)


def test_real_aws_is_never_played_through(deployment, actor_of_lead, noon, settings):
    settings.AWS_ENDPOINT_URL = None
    assert not aws.is_sandbox()
    with pytest.raises(traffic.OnlyInTheSandbox):
        start(deployment, actor_of_lead, noon)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"load_seconds": 0}, "load_seconds"),
        ({"load_seconds": 10**9}, "load_seconds"),
        ({"speed": Decimal(0)}, "speed"),
        ({"speed": Decimal("0.1"), "load_seconds": 3600}, "speed"),
        ({"max_requests": 0}, "max_requests"),
        ({"max_requests": 10**6}, "max_requests"),
        ({"trace": b"\xff\xfe no csv"}, "trace"),
        ({"trace": b"TIMESTAMP,ContextTokens,GeneratedTokens\n"}, "trace"),
        ({"trace": b"when,how\n1,2\n"}, "trace"),
    ],
)
def test_a_figure_out_of_range_gets_a_sentence(deployment, actor_of_lead, noon, asked, field):
    with pytest.raises(Invalid) as refusal:
        start(deployment, actor_of_lead, noon, **asked)
    assert field in refusal.value.fields


def test_a_trace_of_ones_own_is_followed(deployment, actor_of_lead, noon):
    rows = "".join(
        f"2026-11-20 12:{second // 60:02d}:{second % 60:02d},{900 + second},{50 + second}\n"
        for second in range(240)
    )
    trace = f"TIMESTAMP,ContextTokens,GeneratedTokens\n{rows}".encode()
    run = start(deployment, actor_of_lead, noon, trace=trace)
    answers = Answers()
    traffic.play(run_id=run.pk, clock=lambda: noon, find=answers)
    assert all(900 <= request.input_tokens <= 1140 for request in answers.requests)


def test_however_fast_the_load_no_batch_outlives_its_lease(deployment, actor_of_lead, noon):
    run = start(deployment, actor_of_lead, noon, load_seconds=3600, max_requests=2000)
    _, planned = traffic._plan(run)
    sizes = [len(batch) for batch in traffic._beats(planned, offset=0.0)]
    assert sum(sizes) == 2000
    assert max(sizes) <= traffic.CONCURRENCY
