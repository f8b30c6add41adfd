"""Watches over what answers: traffic that grew harder raises an alert, and thresholds one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from cascade.domain import drift
from cascade.domain.digests import canonical, digest_of
from cascade.domain.drift import Alarm, Reference, Watch
from cascade.domain.plain import plain
from cascade.domain.policy import Policy
from cascade.domain.reading import read
from cascade.models import Alert, Calibration, Cascade, DriftWatch, PolicyVersion, Trial, Verdict
from cascade.queries.cascades import Standing, standing_of
from cascade.queries.runs import levels_of
from cascade.usecases import rollouts
from portal.access import SYSTEM

# The first requests of a policy are what is usual for it: more are taken in as they come, each
# time there are twice as many, for a larger reference tells smaller shifts.
USUAL, MOST_USUAL = 1_000, 20_000
MOST_AT_ONCE = 20_000
# A verdict below it says that the answer was wrong.
RIGHT = 0.5
# Under watch, with whether low values are the bad ones.
VALUES: Mapping[str, bool] = {"score": True, "p-right": True, "escalations": False}
Row = tuple[int, Mapping[str, Any], Sequence[Mapping[str, Any]], int]


def watch_drift(*, now: datetime) -> int:
    """Look at the new requests of every live policy; return how many alarms went off."""
    ids = Cascade.objects.filter(retired_at=None).values_list("pk", flat=True)
    return sum(_watch_one(pk, now) for pk in list(ids))


@transaction.atomic(durable=True)
def _watch_one(pk: int, now: datetime) -> int:
    locked = Cascade.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk)
    cascade = locked.select_related("feature__team").first()
    standing = standing_of(cascade=cascade) if cascade else None
    if cascade is None or standing is None:
        return 0
    number = standing.live.number
    alarms = []
    for name in VALUES:
        row, _ = DriftWatch.objects.get_or_create(cascade=cascade, policy=number, name=name)
        alarm = _observe(row)
        if alarm is not None:
            alarms.append((name, alarm))
    for name, alarm in alarms:
        _raise(cascade, standing, name, alarm, now)
    return len(alarms)


def _observe(row: DriftWatch) -> Alarm | None:
    """Read the new requests into one watch, and return the alarm that went off."""
    if row.reference is None:
        # The beginning is read again until there are enough requests that have this value.
        first = _rows(row, after=row.read_to, most=USUAL)
        if len(first) == USUAL and len(list(_values(first, row.name))) >= drift.FEWEST:
            found = _rows(row, after=row.read_to, most=MOST_AT_ONCE)
            _keep(row, reference=_reference(row, found), read_to=found[-1][0])
        return None
    found = _rows(row, after=row.read_to, most=MOST_AT_ONCE)
    if not found:
        return None
    watch = Watch(
        row.name, _held(row.reference), VALUES[row.name], len(VALUES), tuple(row.sums), row.seen
    )
    after, alarm = drift.observe(watch, _values(found, row.name))
    _keep(row, sums=list(after.sums), seen=after.seen, read_to=found[-1][0])
    if alarm is None:
        _grow(row, watch.reference.count)
    return alarm


def _held(kept: Mapping[str, Any]) -> Reference:
    return Reference(
        tuple(kept["edges"]), tuple(kept["shares"]), kept["count"], tuple(kept.get("hard", ()))
    )


def _grow(row: DriftWatch, count: int) -> None:
    """Take what was seen since into the reference, while nothing is amiss."""
    if count >= MOST_USUAL or row.seen < min(count, MOST_USUAL - count):
        return
    if Alert.objects.filter(cascade=row.cascade_id, kind=f"drift-{row.name}", closed_at=None):
        return
    first = [each for each in _rows(row, after=0, most=MOST_USUAL) if each[0] <= row.read_to]
    _keep(row, reference=_reference(row, first), seen=0)


def _reference(row: DriftWatch, found: Sequence[Row]) -> dict[str, Any]:
    """Return what is usual, and what the requests look like whose first answer was wrong."""
    hard = list(_values(_wrong(row, found), row.name)) if VALUES[row.name] else []
    made: dict[str, Any] = plain(drift.reference(_values(found, row.name), hard=hard))
    return made


def _wrong(row: DriftWatch, found: Sequence[Row]) -> list[Row]:
    """Return the requests whose first stage was judged, and wrong."""
    judged = set(
        Verdict.objects.filter(
            trial__cascade=row.cascade_id,
            trial__policy=row.policy,
            trial__lte=found[-1][0],
            quality__lt=RIGHT,
            replaced_by__isnull=True,
        ).values_list("trial", "stage")
    )
    return [each for each in found if each[2] and (each[0], each[2][0].get("stage")) in judged]


def _keep(row: DriftWatch, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))


def _rows(row: DriftWatch, *, after: int, most: int) -> list[Row]:
    found = Trial.objects.filter(
        cascade=row.cascade_id,
        policy=row.policy,
        pk__gt=after,
        status__in=("answered", "short"),
    ).order_by("pk")
    return list(found.values_list("pk", "plan", "tried", "escalations")[:most])


def _values(rows: Iterable[Row], name: str) -> Iterator[float]:
    """Yield a value of each request that has it."""
    for _, plan, tried, escalations in rows:
        if name == "escalations":
            yield float(escalations > 0)
        elif name == "p-right" and plan.get("p_right"):
            yield float(plan["p_right"][0])
        elif name == "score" and tried and tried[0].get("score") is not None:
            yield float(tried[0]["score"])


def _raise(cascade: Cascade, standing: Standing, name: str, alarm: Alarm, now: datetime) -> None:
    """Open an alert and, where the policy allows it, tighten: once until somebody has looked."""
    row, is_new = Alert.objects.get_or_create(
        cascade=cascade,
        kind=f"drift-{name}",
        closed_at=None,
        defaults={
            "sentence": alarm.words,
            "figures": {"policy": standing.live.number, "seen": alarm.seen},
            "at": now,
        },
    )
    if not is_new:
        return
    policy = read(standing.live.body)
    others = Alert.objects.filter(cascade=cascade, kind__startswith="drift-", closed_at=None)
    if not policy.tightens or standing.canary is not None or others.exclude(pk=row.pk).exists():
        return
    row.action = _tighten(cascade, policy, alarm, now)
    row.save(update_fields=["action"])


def _tighten(cascade: Cascade, policy: Policy, alarm: Alarm, now: datetime) -> str:
    made = drift.tighten(policy, why=alarm.words, levels=_levels(cascade, policy))
    if made.policy == policy:
        return made.words
    newest = PolicyVersion.objects.filter(cascade=cascade).order_by("-number").first()
    version = PolicyVersion.objects.create(
        cascade=cascade,
        number=newest.number + 1 if newest else 1,
        body=canonical(made.policy),
        digest=digest_of(made.policy),
        note=made.words,
        made_by=SYSTEM.name,
        made_at=now,
    )
    rollouts.roll_out(
        actor=SYSTEM, cascade=cascade, policy=version, step="tighten", why=made.words, now=now
    )
    return made.words


def _levels(cascade: Cascade, policy: Policy) -> list[list[float]]:
    """Return the thresholds that the last applied calibration has measured, gate by gate.

    There are none when it was made for other stages.
    """
    held = Calibration.objects.filter(cascade=cascade, applied_at__isnull=False)
    row = held.order_by("-applied_at").first()
    family = " > ".join(stage.name for stage in policy.stages)
    points = (row.result or {}).get("points", ()) if row else ()
    found = [levels_of(point) for point in points if point["family"] == family]
    return [sorted(set(gate)) for gate in zip(*found, strict=True)]
