"""The counters follow the rows: made anew when lost, compared, and told of other spend."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from billing.domain.money import month_of
from billing.queries.budgets import used_by_team
from billing.queries.spend import spend_of_tier
from cascade.adapters.stream import Difference, Entry, Stream
from cascade.domain.booking import TIER
from cascade.domain.event_fields import Undecodable
from cascade.domain.events import Attempt, decode
from cascade.domain.prices import MICRO
from cascade.domain.scopes import ORGANISATION
from cascade.models import Attempt as AttemptRow
from cascade.models import ScopeMonth
from cascade.usecases import alarms
from cascade.usecases.drain import hold_head

Sums = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the counters were made of: scopes with a charge, and the organisation's micro-dollars.

    The latter are of the month of the moment it was asked for.
    """

    scopes: int
    organisation_micro: int


def rebuild(*, stream: Stream, now: datetime) -> Rebuilt:
    """Make the counters of the months around `now` anew, exactly, while gateways go on spending.

    What they hold becomes what rows were charged, and what entries in the stream will be. Nobody
    drains meanwhile; entries that come in are counted by the step that replaces the counters.
    """
    with transaction.atomic(durable=True):
        hold_head(is_waiting=True)
        months, last = _sums(stream, now=now)
        stream.replace(months=months, last=last)
    publish_other(stream=stream, now=now)
    return Rebuilt(
        scopes=sum(len(scopes) for scopes in months.values()),
        organisation_micro=months[str(month_of(now))].get(ORGANISATION, 0),
    )


def check(*, stream: Stream, now: datetime) -> tuple[Difference, ...]:
    """Return, and tell in an alert, which counters are not what `rebuild` would make them."""
    with transaction.atomic(durable=True):
        hold_head(is_waiting=True)
        months, last = _sums(stream, now=now)
        differences = stream.compare(months=months, last=last)
        alarms.drift(differences, now=now)
    return differences


def _sums(stream: Stream, *, now: datetime) -> tuple[Sums, str]:
    """Return micro-dollars by month and scope, and the last entry that is in them."""
    this = month_of(now)
    months: Sums = {str(month): {} for month in (this.before, this, this.after)}
    for month, scope, micro in ScopeMonth.objects.filter(month__in=months).values_list(
        "month", "scope", "micro"
    ):
        months[month][scope] = micro
    last, seen = "", set[str]()
    for entries in stream.all():
        for attempt in _unkept(entries, seen):
            if attempt.month in months:
                sums = months[attempt.month]
                for name in attempt.scopes:
                    sums[name] = sums.get(name, 0) + attempt.micro
        last = entries[-1].place
    return months, last


def _unkept(entries: tuple[Entry, ...], seen: set[str]) -> Iterator[Attempt]:
    """Yield the attempts that are no rows yet, each once."""
    found: dict[str, Attempt] = {}
    for entry in entries:
        try:
            event = decode(entry.body)
        except Undecodable:
            continue
        if isinstance(event, Attempt) and not entry.is_late:
            found.setdefault(str(event.id), event)
    kept = AttemptRow.objects.filter(uuid__in=found).values_list("uuid", flat=True)
    new = found.keys() - seen - set(map(str, kept))
    seen.update(new)
    yield from (found[each] for each in new)


def publish_other(*, stream: Stream, now: datetime) -> None:
    """Say what all that is no cascade takes of each team's and the organisation's month.

    As budgets count it: for each deployment the larger of what it holds and what it has spent. The
    month to come is told too, so that its first minute knows what is held already.
    """
    this = month_of(now)
    for month in (this, this.after):
        moment = max(now, month.starts_at)
        used = used_by_team(now=moment)
        ours = spend_of_tier(tier=TIER, now=moment)
        micro = {
            ORGANISATION if team is None else f"team:{team}": math.ceil(
                (usd - ours.get(team, 0)) * MICRO
            )
            for team, usd in used.items()
        }
        stream.publish_other(month=str(month), micro=micro)
