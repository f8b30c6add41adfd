"""SageMaker endpoints that hold more than one model or container. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil

from billing.domain import skus
from deployments.domain import cost
from deployments.domain.candidates import checks, gpu, runner, seats
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.runner import Runner
from deployments.domain.candidates.seats import Planner, Seat
from deployments.domain.options import Check, Option, Size, Tier
from deployments.domain.wording import percent
from deployments.domain.workload import SECONDS_PER_MONTH

# SageMaker developer guide, multi-model-support: one GPU, through Triton; CPU types too.
MULTI_MODEL_GPUS = ("g4dn", "g5")
SHARED_MODELS = "shared-endpoint-models"  # the quota's name: models on a shared endpoint here


def components(planner: Planner, models: Sequence[Sequence[Seat]]) -> list[Option]:
    """Return copies of each model on parts of machines with several GPUs, best fleet of each."""
    question, found = planner.question, list[Option]()
    for model in models:
        parts = [part for seat in model if (part := _part(seat, planner)) is not None]
        best = sorted(parts, key=lambda each: _fleet_usd(each[0], each[1], question))[:1]
        found.extend(_components(part, seat, question) for part, seat in best)
    return found


def multi_model(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return each runner's model as one of many on an endpoint that loads them from S3."""
    return [
        _multi_model(each, question)
        for each in found
        if not each.gpus or (each.gpus == 1 and _family(each) in MULTI_MODEL_GPUS)
    ]


def multi_container(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return each runner with a container before it in the same endpoint."""
    return [_multi_container(each, question) for each in found]


def _family(each: Runner) -> str:
    return each.ec2_type.partition(".")[0]


def _part(seat: Seat, planner: Planner) -> tuple[Seat, Seat] | None:
    """Return the seat of one copy on the fewest GPUs that hold it, and the whole machine's."""
    whole = seat.machine
    gpus = 1
    while gpus < whole.gpus:
        piece = replace(whole, gpus=gpus)
        found = planner.seat(piece, seat.model, seat.engine.precision)
        if found.made is not None:
            return found, seat
        gpus *= 2
    return (seat, seat) if seat.made is not None else None


def _fleet(part: Seat, seat: Seat, question: Question) -> tuple[int, int, int]:
    """Return copies, copies a machine holds, and machines."""
    made = part.made
    if made is None:
        raise ValueError("A part without a plan has no fleet.")
    each = max(seat.machine.gpus // part.machine.gpus, 1)
    copies = max(made.replicas, int(question.values["components.minimum-copies"]))
    if seats.least(question.workload) == 1:
        copies = made.replicas
    return copies, each, max(ceil(copies / each), seats.least(question.workload))


def _fleet_usd(part: Seat, seat: Seat, question: Question) -> tuple[int, Decimal]:
    usd = seats.usd_an_hour(seat, question)
    machines = _fleet(part, seat, question)[2]
    made = part.made
    is_late = made is not None and (
        made.times.at(question.workload.latency_percentile) > question.workload.latency_ms
    )
    return (1 if is_late else 0), (Decimal(10) ** 9 if usd is None else usd) * machines


def _components(part: Seat, seat: Seat, question: Question) -> Option:
    workload = question.workload
    each = runner.of_seat(part, question)
    copies, a_machine, machines = _fleet(part, seat, question)
    kind = seat.machine.instance_type
    share = Decimal(copies) / (a_machine * machines)
    capacity = runner.capacity(each, copies, question)
    return priced(
        Offer(
            tier=Tier.SAGEMAKER_COMPONENTS,
            model=each.model_id,
            name=f"{kind}/{each.precision}",
            size=Size(instance_type=kind, instances=machines, max_instances=machines + 1),
            drafts=[_shared_draft(kind, machines, share)],
            assumptions=(
                cost.FIXED_ASSUMPTION,
                f"{copies} copies of {part.machine.gpus} GPU each; a machine holds {a_machine}: "
                f"they fill {percent(share)} of {machines} x {kind}.",
                "Expected: the fleet carries this model alone. Low: other models pay for the GPUs "
                "that its copies leave free. High: one more instance all month.",
                *((each.note,) if each.note else ()),
            ),
            latency=runner.shown(each, each.times, start_s=each.start_s),
            capacity=replace(capacity, quota=kind, quota_needed=Decimal(machines + 1)),
            checks=(
                *each.fits,
                checks.latency(each.times, workload),
                checks.headroom(capacity.headroom),
                checks.payload(workload, question.values["sagemaker.payload-mb"]),
                checks.time_limit(each.answer, seats.time_limit_s(question)),
                gpu.endpoint_quota(kind, machines + 1, question),
            ),
            summary=f"{copies} copies of {each.on} on {machines} x {kind}",
            burden=4,
            scales_to_zero=True,
            notes=(
                "Copies may go to zero by a schedule or an alarm; calls fail until one is back, "
                "after minutes.",
                *seats.quality_note(part),
            ),
            extra={
                **runner.sizing(each, question),
                "planned_rps_each": f"{each.planned_rps * a_machine:.6f}",
                "copies": str(copies),
                "gpus_a_copy": str(part.machine.gpus),
            },
        ),
        question,
    )


def _shared_draft(kind: str, machines: int, share: Decimal) -> cost.Draft:
    held = machines * SECONDS_PER_MONTH
    return cost.Draft(
        label=kind,
        sku=skus.instance(instance_type=kind),
        low=(held * min(share, Decimal(1))).quantize(Decimal(1)),
        expected=held,
        high=(machines + 1) * SECONDS_PER_MONTH,
        is_fixed=True,
    )


def _multi_model(each: Runner, question: Question) -> Option:
    workload, values = question.workload, question.values
    models = int(question.quotas.get(SHARED_MODELS, Decimal(str(values["multi-model.models"]))))
    machines = max(each.replicas, 2)
    share = _share(each, machines, models, question)
    load_s = each.weights_gb / values["multi-model.load-gb-per-s"]
    kind = each.instance_type
    return priced(
        Offer(
            tier=Tier.SAGEMAKER_MULTI_MODEL,
            model=each.model_id,
            name=f"{kind}/{each.precision}",
            size=Size(instance_type=kind, instances=machines, max_instances=machines + 1),
            drafts=[_paid_share(kind, machines, share)],
            assumptions=(
                cost.FIXED_ASSUMPTION,
                f"The workload pays {percent(share)} of {machines} x {kind}: the larger of its "
                f"share of the load and one part in {models} models.",
                "Low: the same share. High: nobody shares, and the fleet is this model's alone.",
                *((each.note,) if each.note else ()),
            ),
            latency=runner.shown(
                each, each.times, start_s=load_s, more="All models stay in memory."
            ),
            capacity=runner.capacity(each, machines, question),
            checks=(
                *each.fits,
                _all_in_memory(each, models),
                _has_company(question, models),
                checks.latency(each.times, workload),
                checks.payload(workload, values["sagemaker.payload-mb"]),
                checks.time_limit(each.answer, seats.time_limit_s(question)),
                gpu.endpoint_quota(kind, machines + 1, question),
            ),
            summary=f"{each.on}, one of {models} models on {machines} x {kind}",
            burden=4,
            notes=("One container serves every model, so they share a framework.",),
            extra={**runner.sizing(each, question), "share": f"{share:.6f}"},
        ),
        question,
    )


def _share(each: Runner, machines: int, models: int, question: Question) -> Decimal:
    """Return the part of the fleet (0 to 1) that the workload pays: of its load, or of a seat."""
    load = float(question.workload.peak_rps) / (each.planned_rps * machines)
    return Decimal(str(round(min(max(load, 1 / models), 1.0), 6)))


def _paid_share(kind: str, machines: int, share: Decimal) -> cost.Draft:
    held = machines * SECONDS_PER_MONTH
    part = (held * share).quantize(Decimal(1))
    return cost.Draft(
        f"Share of {kind}", skus.instance(instance_type=kind), part, part, held, is_fixed=True
    )


def _all_in_memory(each: Runner, models: int) -> Check:
    needed, room = each.weights_gb * models, each.memory_gib * 0.7
    return Check(
        "models in memory",
        needed <= room,
        f"{models} models of {each.weights_gb:,.2f} GB take {needed:,.1f} GB; {room:,.1f} GiB are "
        "for models, beyond that they are loaded again and again.",
    )


def _has_company(question: Question, models: int) -> Check:
    known = question.quotas.get(SHARED_MODELS)
    here = 0 if known is None else int(known)
    return Check(
        "sharing",
        here >= 2,
        f"The price assumes {models} models on one endpoint; {here} are known here. The nearest "
        "is a real-time endpoint of its own.",
    )


def _multi_container(each: Runner, question: Question) -> Option:
    workload, values = question.workload, question.values
    step = values["multi-container.step-ms"]
    times, answer = each.times.plus(step), each.answer.plus(step)
    kind, machines = each.instance_type, each.replicas
    capacity = runner.capacity(each, machines, question)
    return priced(
        Offer(
            tier=Tier.SAGEMAKER_MULTI_CONTAINER,
            model=each.model_id,
            name=f"{kind}/{each.precision}",
            size=Size(instance_type=kind, instances=machines, max_instances=machines + 1),
            drafts=[
                cost.by_the_hour(
                    label=kind,
                    sku=skus.instance(instance_type=kind),
                    count=machines,
                    most=machines + 1,
                )
            ],
            assumptions=(
                cost.FIXED_ASSUMPTION,
                f"The container before the model takes {step:g} ms and no instance of its own.",
                *((each.note,) if each.note else ()),
            ),
            latency=runner.shown(each, times, start_s=each.start_s, more="With one step before."),
            capacity=capacity,
            checks=(
                *each.fits,
                checks.latency(times, workload),
                checks.headroom(capacity.headroom),
                checks.payload(workload, values["sagemaker.payload-mb"]),
                checks.time_limit(answer, seats.time_limit_s(question)),
                gpu.endpoint_quota(kind, machines + 1, question),
                *checks.forbids(
                    "streaming",
                    workload.needs_streaming,
                    "The answer is to be streamed; a serial endpoint hands it over whole.",
                ),
            ),
            summary=f"Pre-processing and {each.on} on {machines} x {kind}",
            burden=4,
            notes=("Worth it when requests must be prepared next to the model.",),
            extra=runner.sizing(each, question),
        ),
        question,
    )
