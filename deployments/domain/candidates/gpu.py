"""SageMaker real-time endpoints on GPUs, for own weights and for open ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing.domain import compute_skus, skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks, seats
from deployments.domain.candidates.fleet import Plan
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.seats import Seat
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Latency, Option, Size, Tier

KEPT_PER_MODEL = 4  # the rest of the grid says nothing that these do not
BURDEN = 4
PLAN_MONTHS = {"one-year": 12, "three-years": 36}
_TIER = Tier.SAGEMAKER_REAL_TIME


def options(question: Question, models: Sequence[Sequence[Seat]]) -> list[Option]:
    """Return the best few machines for each model that can be self-hosted."""
    return [
        _fit(seat, seat.made, question) if seat.made else _unfit(seat, question)
        for found in models
        for seat in seats.cheapest(found, question, kept=KEPT_PER_MODEL)
    ]


def plans(question: Question, best: Sequence[Seat]) -> list[Option]:
    """Return the best machines under a SageMaker Savings Plan of one and of three years."""
    return [
        _plan(seat, made, term, question)
        for seat, made in seats.fitting(best)
        for term in PLAN_MONTHS
    ]


def endpoint_checks(seat: Seat, made: Plan, replicas: int, question: Question) -> tuple[Check, ...]:
    """Return what a real-time endpoint of so many replicas must hold."""
    workload = question.workload
    return (
        *seats.of_weights(seat.model, question),
        *seat.memory,
        checks.latency(made.times, workload),
        checks.headroom(seats.capacity_of(made, replicas, question).headroom),
        checks.payload(workload, question.values["sagemaker.payload-mb"]),
        checks.time_limit(made.answer, seats.time_limit_s(question)),
        endpoint_quota(seat.machine.instance_type, replicas + 1, question),
    )


def endpoint_quota(instance_type: str, needed: int, question: Question) -> Check:
    """Compare instances with the account's limit of that type for endpoints."""
    return checks.quota(
        name=instance_type,
        what=f"instances of {instance_type} for endpoints",
        needed=Decimal(needed),
        question=question,
    )


def assumptions(seat: Seat, made: Plan) -> tuple[str, ...]:
    """Return what the size stands on."""
    note = seat.model.note.strip()
    said = (
        cost.FIXED_ASSUMPTION,
        f"Sized for the peak at {made.planned_rps:,.1f} of {made.saturation_rps:,.1f} requests/s "
        "a replica: within 60 % of saturation and within the latency objective.",
        "High: one more instance all month, the most the scaling target allows.",
    )
    return (*said, note) if note else said


def shown(seat: Seat, made: Plan, question: Question, more: str = "") -> Latency:
    """Return a plan's times as an option's latency."""
    rate = float(question.workload.peak_rps) / made.replicas
    basis = (
        f"Roofline of {seat.machine.gpu}, {seat.engine.precision}, at "
        f"{rate:,.1f} requests/s a replica."
    )
    return latency.as_latency(
        made.times,
        cold_start_ms=seats.ready_s(seat.engine) * 1000,
        basis=f"{basis} {more}" if more else basis,
        as_of=seat.machine.as_of.isoformat(),
        confidence=seats.CONFIDENCE[seat.machine.confidence],
    )


def sizing(made: Plan, question: Question) -> dict[str, str]:
    """Return what the break-even curves read: the planned rate of each, and the fewest."""
    return {
        "planned_rps_each": f"{made.planned_rps:.6f}",
        "least_count": str(seats.least(question.workload)),
    }


def _fit(seat: Seat, made: Plan, question: Question) -> Option:
    return priced(_offer(seat, made, question), question)


def _offer(seat: Seat, made: Plan, question: Question) -> Offer:
    machine, replicas = seat.machine.instance_type, made.replicas
    return Offer(
        tier=_TIER,
        model=seat.model.model_id,
        name=f"{machine}/{seat.engine.precision}",
        size=Size(instance_type=machine, instances=replicas, max_instances=replicas + 1),
        drafts=_drafts(machine, replicas),
        assumptions=assumptions(seat, made),
        latency=shown(seat, made, question),
        capacity=seats.capacity_of(made, replicas, question),
        checks=endpoint_checks(seat, made, replicas, question),
        summary=f"{seat.model.name} at {seat.engine.precision} on {replicas} x {machine}",
        burden=BURDEN,
        notes=(
            "A new replica takes minutes, not seconds: it cannot follow a sudden spike.",
            *seats.quality_note(seat),
        ),
        extra={**seats.serving(seat, question), **sizing(made, question)},
    )


def _plan(seat: Seat, made: Plan, term: str, question: Question) -> Option:
    machine, months = seat.machine.instance_type, PLAN_MONTHS[term]
    words = compute_skus.PLAN_TERMS[term]
    draft = cost.by_the_hour(
        label=f"{machine} under a Savings Plan",
        sku=compute_skus.sagemaker_plan(instance_type=machine, term=term),
        count=made.replicas,
        most=made.replicas + 1,
    )
    offer = _offer(seat, made, question)
    return priced(
        Offer(
            tier=_TIER,
            model=offer.model,
            name=f"{offer.name}/{term}",
            size=Size(
                instance_type=machine,
                instances=made.replicas,
                max_instances=made.replicas + 1,
                term=term,
            ),
            drafts=[draft],
            assumptions=offer.assumptions,
            latency=offer.latency,
            capacity=offer.capacity,
            checks=(*offer.checks, checks.months(months, question.workload)),
            summary=f"{offer.summary}, Savings Plan of {words}",
            burden=BURDEN,
            commitment_months=months,
            notes=("The plan is bought for the whole account; the endpoint stays the same.",),
            extra={**offer.extra, "term": term},
        ),
        question,
    )


def _unfit(seat: Seat, question: Question) -> Option:
    """Return the machine as refused: it cannot hold the model, so it has no speed."""
    machine, minimum = seat.machine, seats.least(question.workload)
    nowhere = latency.as_latency(
        Times(0, 0, 0),
        cold_start_ms=0,
        basis="Not estimated: the model does not fit.",
        as_of=machine.as_of.isoformat(),
        confidence="none: not estimated",
    )
    return priced(
        Offer(
            tier=_TIER,
            model=seat.model.model_id,
            name=f"{machine.instance_type}/{seat.engine.precision}",
            size=Size(instance_type=machine.instance_type, instances=minimum),
            drafts=_drafts(machine.instance_type, minimum),
            assumptions=(),
            latency=nowhere,
            capacity=Capacity(Decimal(0), Decimal(0), "GPU memory"),
            checks=seat.memory,
            summary=f"{seat.model.name} at {seat.engine.precision} does not fit "
            f"{machine.instance_type}",
            burden=BURDEN,
            extra=seats.serving(seat, question),
        ),
        question,
    )


def _drafts(machine: str, replicas: int) -> list[cost.Draft]:
    return [
        cost.by_the_hour(
            label=machine,
            sku=skus.instance(instance_type=machine),
            count=replicas,
            most=replicas + 1,
        )
    ]
