"""SageMaker real-time endpoints on CPU machines, for small models. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from billing.domain import skus
from deployments.domain import cost
from deployments.domain.candidates import checks, gpu, runner, seats
from deployments.domain.candidates.cpu import Job
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.runner import Runner
from deployments.domain.options import Option, Size, Tier

KEPT_OF_CATALOG = 2  # machines shown for each open model; own models are shown on all
_TIMEOUT_S = "600"


def options(question: Question, small: Sequence[Job]) -> list[Option]:
    """Return a real-time endpoint on CPU machines for each small model, the cheapest first."""
    found: list[Option] = []
    for job in small:
        tried = [
            runner.of_job(job, machine, question, least=seats.least(question.workload))
            for machine in question.catalog.cpu_machines
        ]
        kept = len(tried) if job.model.provider == "own" else KEPT_OF_CATALOG
        tried.sort(key=lambda each: runner.usd_an_hour(each, question))
        found.extend(_option(each, question) for each in tried[:kept])
    return found


def _option(each: Runner, question: Question) -> Option:
    kind, replicas, workload = each.instance_type, each.replicas, question.workload
    capacity = runner.capacity(each, replicas, question)
    return priced(
        Offer(
            tier=Tier.SAGEMAKER_REAL_TIME,
            model=each.model_id,
            name=f"{kind}/{each.precision}",
            size=Size(instance_type=kind, instances=replicas, max_instances=replicas + 1),
            drafts=[
                cost.by_the_hour(
                    label=kind,
                    sku=skus.instance(instance_type=kind),
                    count=replicas,
                    most=replicas + 1,
                )
            ],
            assumptions=(
                cost.FIXED_ASSUMPTION,
                f"Sized for the peak at {each.planned_rps:,.1f} of {each.saturation_rps:,.1f} "
                "requests/s a machine.",
                "High: one more instance all month, the most the scaling target allows.",
                each.note,
            ),
            latency=runner.shown(each, each.times, start_s=each.start_s),
            capacity=capacity,
            checks=(
                *each.fits,
                checks.latency(each.times, workload),
                checks.headroom(capacity.headroom),
                checks.payload(workload, question.values["sagemaker.payload-mb"]),
                checks.time_limit(each.answer, seats.time_limit_s(question)),
                gpu.endpoint_quota(kind, replicas + 1, question),
            ),
            summary=f"{each.on}, {replicas} x {kind}",
            burden=3,
            notes=("A new replica takes minutes, not seconds: it cannot follow a sudden spike.",),
            extra={
                **runner.sizing(each, question),
                "startup_timeout_s": _TIMEOUT_S,
                "download_timeout_s": _TIMEOUT_S,
            },
        ),
        question,
    )
