"""Own containers on ECS and EKS: EC2 with a GPU, or Fargate without, behind a balancer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing.domain import compute_skus
from deployments.domain import cost
from deployments.domain.candidates import checks, gpu, runner, seats
from deployments.domain.candidates.cpu import Job
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.runner import Runner
from deployments.domain.catalog import CpuMachine
from deployments.domain.latency import Times
from deployments.domain.options import Check, Option, Size, Tier
from deployments.domain.workload import SECONDS_PER_MONTH, Need, Pattern

ARCHITECTURE = "x86_64"
_BYTES_PER_TOKEN = 4
_QUEUED = (Pattern.BATCH, Pattern.ASYNCHRONOUS)
_ON_DEMAND_SIZE = (
    "Sized for the peak at {planned:,.1f} of {most:,.1f} requests/s a machine; a rolling update "
    "holds one more."
)


def on_ecs(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return an ECS service on EC2 for each runner; EC2 costs less than the same ml instance."""
    return [_option(each, Tier.ECS_SERVICE, question) for each in found if each.instance_type]


def on_eks(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return EKS manifests for each runner: given out for GitOps, not applied by the portal."""
    return [_option(each, Tier.EKS_MANIFESTS, question) for each in found if each.instance_type]


def on_plans(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return ECS services on EC2 under a Compute Savings Plan of one and of three years."""
    return [
        _option(each, Tier.ECS_SERVICE, question, term=term)
        for each in found
        for term in gpu.PLAN_MONTHS
    ]


def on_spot(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return ECS services on spot machines, where work may be cut off and done again."""
    if question.workload.pattern not in _QUEUED:
        return []
    return [_option(each, Tier.ECS_SERVICE, question, term="spot") for each in found]


def on_fargate(question: Question, small: Sequence[Job]) -> list[Option]:
    """Return Fargate tasks of each size for own small models."""
    if question.workload.need is not Need.CUSTOM_CPU:
        return []
    least = seats.least(question.workload)
    return [
        _tasks(runner.of_job(job, size, question, least=least), size, question)
        for job in small
        for size in question.catalog.fargate_sizes
    ]


def balancer(question: Question, answer: Times) -> list[cost.Draft]:
    """Return the lines of a load balancer: its hours, and capacity units by the busiest measure."""
    workload, values = question.workload, question.values
    text = (workload.input_tokens_mean + workload.output_tokens_mean) * _BYTES_PER_TOKEN
    gigabytes = (workload.payload_bytes + text) / 1e9
    each = max(
        1 / values["alb.new-connections-per-lcu"],
        answer.p50 / 1000 / values["alb.active-connections-per-lcu"],
        gigabytes * 3600 / values["alb.gb-per-hour-per-lcu"],
    )
    units = Decimal(str(round(each, 9)))
    return [
        cost.by_the_hour(label="Load balancer", sku=compute_skus.load_balancer(), count=1, most=1),
        cost.by_load(
            workload,
            label="Load balancer capacity units",
            sku=compute_skus.load_balancer_unit(),
            mean=units,
            high=units,
        ),
    ]


def _option(each: Runner, tier: Tier, question: Question, *, term: str = "") -> Option:
    hop_ms = question.values["alb.overhead-ms"]
    times, answer = each.times.plus(hop_ms), each.answer.plus(hop_ms)
    machines = each.replicas
    start_s = each.start_s + question.values["ec2.start-s"]
    months = gpu.PLAN_MONTHS.get(term, 0)
    capacity = runner.capacity(each, machines, question)
    suffix = f"/{term}" if term else ""
    return priced(
        Offer(
            tier=tier,
            model=each.model_id,
            name=f"{each.ec2_type}/{each.precision}{suffix}",
            size=Size(
                instance_type=each.ec2_type,
                instances=machines,
                max_instances=machines + 1,
                term=term or "none",
            ),
            drafts=[*_machines(each, machines, term), *_cluster(tier), *balancer(question, answer)],
            assumptions=_assumptions(each),
            latency=runner.shown(each, times, start_s=start_s, more="With a load balancer."),
            capacity=capacity,
            checks=(
                *each.fits,
                checks.latency(times, question.workload),
                checks.headroom(capacity.headroom),
                checks.time_limit(answer, question.values["alb.idle-timeout-s"]),
                _vcpus(each, machines + 1, term, question),
                *([checks.months(months, question.workload)] if months else []),
            ),
            summary=f"{each.on} in own containers on {machines} x {each.ec2_type}{_words(term)}",
            burden=5,
            scales_to_zero=tier is Tier.EKS_MANIFESTS,
            commitment_months=months,
            notes=_notes(tier, term),
            extra=runner.sizing(each, question),
        ),
        question,
    )


def _machines(each: Runner, machines: int, term: str) -> list[cost.Draft]:
    kind = each.ec2_type
    if term == "spot":
        sku = compute_skus.ec2_spot(instance_type=kind)
    elif term:
        sku = compute_skus.ec2_plan(instance_type=kind, term=term)
    else:
        sku = compute_skus.ec2(instance_type=kind)
    return [cost.by_the_hour(label=kind, sku=sku, count=machines, most=machines + 1)]


def _cluster(tier: Tier) -> list[cost.Draft]:
    if tier is not Tier.EKS_MANIFESTS:
        return []
    return [cost.by_the_hour(label="Cluster", sku=compute_skus.eks_cluster(), count=1, most=1)]


def _assumptions(each: Runner) -> tuple[str, ...]:
    said = (
        cost.FIXED_ASSUMPTION,
        _ON_DEMAND_SIZE.format(planned=each.planned_rps, most=each.saturation_rps),
        "Each request opens a connection at the load balancer: kept-open ones cost less.",
    )
    return (*said, each.note) if each.note else said


def _words(term: str) -> str:
    if term == "spot":
        return ", spot"
    return f", Savings Plan of {compute_skus.PLAN_TERMS[term]}" if term else ""


def _notes(tier: Tier, term: str) -> tuple[str, ...]:
    if tier is Tier.EKS_MANIFESTS:
        return ("Given out as manifests for GitOps, not applied by the portal.",)
    if term == "spot":
        return ("A spot machine may be taken away within two minutes: work is done again.",)
    return ("The team builds, patches and scales the container and its machines itself.",)


def _vcpus(each: Runner, machines: int, term: str, question: Question) -> Check:
    """Compare vCPUs with the account's EC2 limit, which counts vCPUs by kind of instance."""
    family = each.ec2_type[0] if each.gpus else "standard"
    kind = {"g": "G and VT", "p": "P"}.get(family, "Standard")
    market = "spot" if term == "spot" else "on-demand"
    return checks.quota(
        name=f"ec2-vcpus:{market}:{family}",
        what=f"vCPUs of {market} {kind} instances on EC2",
        needed=Decimal(each.vcpus * machines),
        question=question,
    )


def _tasks(each: Runner, size: CpuMachine, question: Question) -> Option:
    hop_ms = question.values["alb.overhead-ms"]
    times, answer = each.times.plus(hop_ms), each.answer.plus(hop_ms)
    tasks, gib = each.replicas, Decimal(str(size.memory_gib))
    return priced(
        Offer(
            tier=Tier.ECS_SERVICE,
            model=each.model_id,
            name=f"fargate-{size.vcpus}vcpu-{size.memory_gib:g}gb",
            size=Size(
                instances=tasks, max_instances=tasks + 1, memory_mb=int(size.memory_gib * 1024)
            ),
            drafts=[
                _held(
                    "Task vCPUs",
                    compute_skus.fargate_vcpu(architecture=ARCHITECTURE),
                    Decimal(size.vcpus),
                    tasks,
                ),
                _held(
                    "Task memory",
                    compute_skus.fargate_memory(architecture=ARCHITECTURE),
                    gib,
                    tasks,
                ),
                *balancer(question, answer),
            ],
            assumptions=_assumptions(each),
            latency=runner.shown(
                each,
                times,
                start_s=question.values["fargate.start-s"],
                more="With a load balancer.",
            ),
            capacity=runner.capacity(each, tasks, question),
            checks=_task_checks(each, size, times, answer, question),
            summary=f"{each.on} in {tasks} Fargate tasks of {size.vcpus} vCPUs and "
            f"{size.memory_gib:g} GB",
            burden=3,
            notes=("Fargate has no GPU.",),
            extra=runner.sizing(each, question),
        ),
        question,
    )


def _task_checks(
    each: Runner, size: CpuMachine, times: Times, answer: Times, question: Question
) -> tuple[Check, ...]:
    tasks = each.replicas
    return (
        *each.fits,
        checks.latency(times, question.workload),
        checks.headroom(runner.capacity(each, tasks, question).headroom),
        checks.time_limit(answer, question.values["alb.idle-timeout-s"]),
        checks.quota(
            name="fargate-vcpus",
            what="vCPUs of Fargate tasks",
            needed=Decimal(size.vcpus * (tasks + 1)),
            question=question,
        ),
    )


def _held(label: str, sku: str, each: Decimal, tasks: int) -> cost.Draft:
    held = each * tasks * SECONDS_PER_MONTH
    most = each * (tasks + 1) * SECONDS_PER_MONTH
    return cost.Draft(label, sku, held, held, most, is_fixed=True)
