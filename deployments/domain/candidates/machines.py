"""Every tier that runs a model on machines: planned once, then offered tier by tier. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.domain.candidates import (
    containers,
    cpu,
    edge,
    gpu,
    hybrid,
    jobs,
    runner,
    seats,
    serverless,
    sharing,
    small,
)
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.runner import Runner
from deployments.domain.candidates.seats import Seat
from deployments.domain.options import Option

FEW = 3  # runners of a question that terms, edge hardware and refused patterns are shown for


def options(question: Question, on_demand: Sequence[Option] = ()) -> list[Option]:
    """Return the options of SageMaker, containers, own hardware and of two tiers together.

    `on_demand` are the options by the token that a fleet may spill over to.
    """
    planner = seats.Planner(question)
    models = seats.all_seats(planner)
    jobs_on_cpu = cpu.jobs(question)
    on_cpus = runner.on_cpus(question, jobs_on_cpu)
    found = [*_runners(question, models), *on_cpus]
    best = _best(question, found)
    return [
        *gpu.options(question, models),
        *gpu.plans(question, _best_seats(question, models)),
        *small.options(question, jobs_on_cpu),
        *serverless.options(question, jobs_on_cpu),
        *sharing.components(planner, models),
        *sharing.multi_model(question, [*_small_gpus(question, models), *on_cpus]),
        *sharing.multi_container(question, best),
        *jobs.asynchronous(question, _queued(question, models, on_cpus)),
        *jobs.transform(question, _transformers(question, models, on_cpus)),
        *containers.on_ecs(question, found),
        *containers.on_fargate(question, jobs_on_cpu),
        *containers.on_plans(question, best),
        *containers.on_spot(question, best),
        *containers.on_eks(question, best),
        *edge.options(question, best),
        *hybrid.options(question, best, on_demand),
    ]


def _is_queued(question: Question) -> bool:
    return question.workload.pattern in jobs.QUEUED


def _runners(question: Question, models: Sequence[Sequence[Seat]]) -> list[Runner]:
    return [
        runner.of_seat(seat, question)
        for model in models
        for seat in seats.cheapest(model, question, kept=1)
        if seat.made is not None
    ]


def _best_seats(question: Question, models: Sequence[Sequence[Seat]]) -> list[Seat]:
    each = [seat for model in models for seat in model if seat.made is not None]
    return seats.cheapest(each, question, kept=FEW)


def _best(question: Question, found: Sequence[Runner]) -> list[Runner]:
    """Return the runners that break the least, then cost the least."""
    workload = question.workload

    def key(each: Runner) -> tuple[int, object]:
        broken = sum(not check.holds for check in each.fits)
        late = each.times.at(workload.latency_percentile) > workload.latency_ms
        return broken + late, runner.usd_an_hour(each, question)

    return sorted(found, key=key)[:FEW]


def _small_gpus(question: Question, models: Sequence[Sequence[Seat]]) -> list[Runner]:
    """Return the best seat of the few best models on a GPU that multi-model endpoints take."""
    allowed = [
        seat
        for model in models
        for seat in model
        if seat.made is not None
        and seat.machine.gpus == 1
        and seat.ec2_type.partition(".")[0] in sharing.MULTI_MODEL_GPUS
    ]
    return [runner.of_seat(seat, question) for seat in seats.cheapest(allowed, question, kept=FEW)]


def _queued(
    question: Question, models: Sequence[Sequence[Seat]], on_cpus: Sequence[Runner]
) -> list[Runner]:
    """Return each model's best machine for a queue, which waits longer than a caller does."""
    limit_s = question.values["async.timeout-s"]
    found = [
        runner.of_seat(seat, question)
        for model in models
        for seat in seats.cheapest(model, question, kept=1, limit_s=limit_s)
        if seat.made is not None
    ]
    every = [*found, *on_cpus]
    return every if _is_queued(question) else _best(question, every)


def _transformers(
    question: Question, models: Sequence[Sequence[Seat]], on_cpus: Sequence[Runner]
) -> list[Runner]:
    """Return each model's machine that does most work for a dollar; few where jobs are refused."""
    found = [
        runner.of_seat(seat, question)
        for model in models
        for seat in seats.hardest_working(
            [each for each in model if jobs.has_transform(each.machine.instance_type)],
            question,
            kept=1,
        )
    ]
    every = [*found, *on_cpus]
    return every if _is_queued(question) else _best(question, every)
