"""Own hardware, on premises or at the edge, with the control plane in AWS. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from re import sub

from billing.domain import compute_skus
from deployments.domain import cost
from deployments.domain.candidates import checks, runner
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.runner import Runner
from deployments.domain.options import Option, Size, Tier


def options(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return a bundle for each runner on a server like the machine it was planned on."""
    return [_option(each, question) for each in found]


def hardware(each: Runner) -> str:
    """Return the SKU's name of a server: its GPU and how many, or its vCPUs."""
    if not each.gpus:
        return f"cpu-x{each.vcpus}"
    name = sub(r"[^a-z0-9]+", "-", each.gpu.lower().removeprefix("nvidia ")).strip("-")
    return f"{name}-x{each.gpus}"


def _option(each: Runner, question: Question) -> Option:
    kind, servers = hardware(each), each.replicas
    capacity = runner.capacity(each, servers, question)
    words = f"{each.gpus} x {each.gpu}" if each.gpus else f"{each.vcpus} vCPUs"
    draft = cost.by_the_hour(
        label=f"Own server with {words}",
        sku=compute_skus.edge(hardware=kind),
        count=servers,
        most=servers + 1,
    )
    return priced(
        Offer(
            tier=Tier.EDGE_BUNDLE,
            model=each.model_id,
            name=f"{kind}/{each.precision}",
            size=Size(instance_type=kind, instances=servers, max_instances=servers),
            drafts=[draft],
            assumptions=(
                cost.FIXED_ASSUMPTION,
                f"A server with {words} is as fast as {each.instance_type}; its price an hour "
                "holds purchase, room, power and people, and must be entered.",
                *((each.note,) if each.note else ()),
            ),
            latency=runner.shown(each, each.times, start_s=each.start_s, more="On own hardware."),
            capacity=capacity,
            checks=(
                *each.fits,
                checks.latency(each.times, question.workload),
                checks.headroom(capacity.headroom),
            ),
            summary=f"{each.on} on {servers} own server{'s' if servers > 1 else ''} with {words}",
            burden=5,
            notes=("Given out as a bundle; the portal registers its control plane.",),
            extra=runner.sizing(each, question),
        ),
        question,
    )
