"""What the page of one deployment shows, gathered in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from billing.domain.money import in_words, month_of
from billing.queries.features import Cost, costs_of
from billing.queries.filters import Filters
from deployments.domain import progress
from deployments.domain.lifecycle import Phase, State
from deployments.domain.options import Option
from deployments.domain.progress import Seen, Step
from deployments.domain.records import option_from_json
from deployments.domain.wording import months_in_words
from deployments.models import Deployment, Generation, Resource
from deployments.queries import operations
from deployments.queries.commitments import least_owed_usd
from portal.access import Actor, Permission

ZERO = Decimal(0)
CALLABLE = (State.READY, State.UPDATING)


@dataclass(frozen=True, slots=True)
class Timeline:
    """One generation as it is built or taken down."""

    generation: Generation
    steps: tuple[Step, ...]
    done_percent: int


@dataclass(frozen=True, slots=True)
class Facing:
    """A deployment as its page shows it. `seen` tells one state of the page from another."""

    deployment: Deployment
    generations: Sequence[Generation]
    timelines: Sequence[Timeline]
    snippets: Sequence[tuple[str, str]]  # label, code
    what_next: str
    is_settled: bool
    may_operate: bool
    can_retry: bool
    seen: str


def facing(*, actor: Actor, slug: str, now: datetime) -> Facing:
    """Return a deployment as its page shows it. Raises NotFound."""
    deployment = operations.deployment_for(actor=actor, slug=slug)
    found = list(deployment.generations.order_by("-number").prefetch_related("resources"))
    if deployment.current is not None:
        same = next((each for each in found if each.pk == deployment.current_id), None)
        deployment.current = same or deployment.current
    timelines = _timelines(found)
    state = State(deployment.state)
    may_operate = actor.may(Permission.OPERATE, team_id=deployment.feature.team_id)
    return Facing(
        deployment=deployment,
        generations=found,
        timelines=timelines,
        snippets=snippets_of(deployment),
        what_next=progress.what_next(state),
        is_settled=progress.is_settled(state) and not any(_is_leaving(each) for each in found),
        may_operate=may_operate,
        can_retry=may_operate and any(_is_stuck(each, now) for each in found),
        seen=_digest(state, timelines),
    )


def snippets_of(deployment: Deployment) -> Sequence[tuple[str, str]]:
    """Return how to call it as (label, code); empty until it can be called."""
    if State(deployment.state) not in CALLABLE:
        return ()
    return [(each.label, each.code) for each in operations.snippets_of(deployment)]


def _is_leaving(generation: Generation) -> bool:
    return any(not row.is_wanted and row.phase != Phase.GONE for row in generation.resources.all())


def _is_stuck(generation: Generation, now: datetime) -> bool:
    return any(
        row.code and row.phase != Phase.GONE and not _is_bound(row, now)
        for row in generation.resources.all()
    )


def _is_bound(row: Resource, now: datetime) -> bool:
    """Say whether it is to go and AWS keeps it until the end of its term: trying is of no use."""
    until = row.outputs.get("bound_until", "")
    return bool(until) and not row.is_wanted and now < datetime.fromisoformat(until)


def _timelines(found: Sequence[Generation]) -> list[Timeline]:
    """Return what is built, serves or is taken down; the newest generation always."""
    return [
        _timeline(generation)
        for index, generation in enumerate(found)
        if index == 0 or any(row.phase != Phase.GONE for row in generation.resources.all())
    ]


def _timeline(generation: Generation) -> Timeline:
    seen = [_seen(row) for row in sorted(generation.resources.all(), key=lambda r: r.position)]
    return Timeline(generation, progress.steps(seen), progress.share_done(seen))


def _seen(row: Resource) -> Seen:
    return Seen(
        key=row.key,
        kind=row.kind,
        name=row.name,
        needs=row.needs,
        phase=Phase(row.phase),
        is_wanted=row.is_wanted,
        detail=row.detail,
        code=row.code,
        attempts=row.attempts,
        wake_at=row.wake_at,
        ready_at=row.ready_at,
        gone_at=row.gone_at,
        seen_at=row.seen_at,
        began_at=row.began_at,
    )


def _digest(state: State, timelines: Sequence[Timeline]) -> str:
    shown = (state.value, [(each.generation.number, each.steps) for each in timelines])
    return sha256(repr(shown).encode()).hexdigest()[:16]


def cost_of(*, actor: Actor, deployment: Deployment, now: datetime) -> Cost:
    """Return what a deployment has cost this month, and what is held for it."""
    found = costs_of(
        actor=actor,
        feature=deployment.feature,
        filters=Filters(month=month_of(now), deployment=deployment.slug),
        now=now,
    )
    nothing = Cost(deployment.slug, ZERO, (), (), None, None)
    return next((cost for cost in found if cost.deployment == deployment.slug), nothing)


def option_of(generation: Generation) -> Option | None:
    """Return the option a generation was made of; None for a row that has none."""
    return option_from_json(generation.option) if generation.option else None


def loss(face: Facing) -> str:
    """Return the sentence that names what retiring loses."""
    names = [
        f"{progress.KIND_NAMES.get(row.kind, row.kind)} {row.name}"
        for generation in face.generations
        for row in generation.resources.all()
        if row.phase not in (Phase.GONE, Phase.PENDING)
    ]
    said = f"{face.deployment.slug} stops answering within minutes. "
    if names:
        said += f"Deleted in AWS: {', '.join(names)}. "
    option = option_of(face.generations[0]) if face.generations else None
    if option is not None and option.commitment_months:
        said += (
            f"Its model units were bought for {months_in_words(option.commitment_months)}, about "
            f"{in_words(least_owed_usd(option))} in all, and are paid until "
            "then, whatever you do. "
        )
    return said + "What it has cost stays in the books; its name cannot be used again."
