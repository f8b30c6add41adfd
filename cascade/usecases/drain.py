"""What the gateway told becomes rows, roll-ups and charges: each event once, whatever is killed.

One transaction reads entries, keeps them and tells the books; only after it are they removed from
the stream. Who is killed before or after the commit leaves entries that are read again and, being
known, change nothing. One lock in PostgreSQL makes sure that one worker does it at a time; it
ends with its transaction, so a killed worker holds nobody up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from billing.usecases.metering import record_usage
from cascade.adapters.stream import Entry, Stream
from cascade.domain import booking, rollups
from cascade.domain.event_fields import Undecodable
from cascade.domain.events import Attempt, Trial, decode
from cascade.models import Cascade, UnreadEvent
from cascade.usecases import alarms, keeping
from portal.models import Feature, Team

# One number for one thing that is held: the stream's head.
STREAM_HEAD = 5_120_040
A_BATCH = 2_000
LONGEST_BODY = 20_000


@dataclass(slots=True)
class Drained:
    """What became of entries: new attempts and trials, known ones, unreadable and late ones."""

    entries: int = 0
    attempts: int = 0
    trials: int = 0
    repeated: int = 0
    unread: int = 0
    late: int = 0
    is_busy: bool = False


@dataclass(slots=True)
class _Read:
    """A batch as read: events by id, what cannot be read with the reason, and what came late."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)
    unread: list[tuple[Entry, str]] = field(default_factory=list)
    late: list[Attempt] = field(default_factory=list)
    repeated: int = 0


def drain(*, stream: Stream, now: datetime, batches: int = 50) -> Drained:
    """Book what waits in the stream, at most so many batches of it. Raises CountersAway."""
    done = Drained()
    for _ in range(batches):
        entries = _one_batch(stream, done, now=now)
        if done.is_busy or not entries:
            break
        stream.forget([entry.place for entry in entries])
    return done


def _one_batch(stream: Stream, done: Drained, *, now: datetime) -> tuple[Entry, ...]:
    # Durable: entries are forgotten right after it, so it must be the outermost.
    with transaction.atomic(durable=True):
        if not hold_head(is_waiting=False):
            done.is_busy = True
            return ()
        entries = stream.take(limit=A_BATCH)
        if entries:
            _book_or_split(entries, done, now=now)
    return entries


def hold_head(*, is_waiting: bool) -> bool:
    """Be the only one to read the stream until the transaction ends; say whether one is."""
    function = "pg_advisory_xact_lock" if is_waiting else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [STREAM_HEAD])
        return cursor.fetchone()[0] is not False


def _book_or_split(entries: Sequence[Entry], done: Drained, *, now: datetime) -> None:
    """Book entries; when rows refuse them, halve until the one that is refused stands alone."""
    read = _read(entries)
    try:
        with transaction.atomic():
            attempts, trials = _book(read, now=now)
    except (DataError, IntegrityError) as refusal:
        if len(entries) > 1:
            middle = len(entries) // 2
            _book_or_split(entries[:middle], done, now=now)
            _book_or_split(entries[middle:], done, now=now)
            return
        read = _Read(unread=[(entries[0], _words(refusal))])
        attempts = trials = 0
        _keep_unread(read.unread, now=now)
    told = len(read.attempts) + len(read.trials)
    done.entries += len(entries)
    done.attempts += attempts
    done.trials += trials
    done.repeated += read.repeated + told - attempts - trials
    done.unread += len(read.unread)
    done.late += len(read.late)


def _words(refusal: DatabaseError) -> str:
    return f"The rows refuse it: {str(refusal).splitlines()[0]}"


def _read(entries: Sequence[Entry]) -> _Read:
    read = _Read()
    for entry in entries:
        try:
            _sort(read, entry, decode(entry.body))
        except Undecodable as fault:
            read.unread.append((entry, str(fault)))
    return _with_places(read, entries)


def _sort(read: _Read, entry: Entry, event: Attempt | Trial) -> None:
    if isinstance(event, Attempt) and entry.is_late:
        read.late.append(event)
    elif isinstance(event, Attempt):
        read.repeated += str(event.id) in read.attempts
        read.attempts.setdefault(str(event.id), event)
    else:
        read.repeated += str(event.id) in read.trials
        read.trials.setdefault(str(event.id), event)


def _with_places(read: _Read, entries: Sequence[Entry]) -> _Read:
    """Set aside the events of cascades, features and teams that there are not."""
    events: list[Attempt | Trial] = [
        *read.attempts.values(),
        *read.trials.values(),
        *read.late,
    ]
    known = {
        "cascade": _known(Cascade, {event.cascade for event in events}),
        "feature": _known(Feature, {event.feature for event in events}),
        "team": _known(Team, {event.team for event in events}),
    }
    strange = {
        str(event.id): f"There is no {name} {getattr(event, name)}."
        for event in events
        for name in known
        if getattr(event, name) not in known[name]
    }
    if not strange:
        return read
    kept = _Read()
    for entry in entries:
        try:
            event = decode(entry.body)
        except Undecodable as fault:
            kept.unread.append((entry, str(fault)))
            continue
        if str(event.id) in strange:
            kept.unread.append((entry, strange[str(event.id)]))
        else:
            _sort(kept, entry, event)
    return kept


def _known(table: type[Cascade] | type[Feature] | type[Team], wanted: set[int]) -> set[int]:
    return set(table.objects.filter(pk__in=wanted).values_list("pk", flat=True))


def _book(read: _Read, *, now: datetime) -> tuple[int, int]:
    """Keep a batch; return how many attempts and trials were new."""
    attempts = keeping.keep_attempts(tuple(read.attempts.values()))
    trials = keeping.keep_trials(tuple(read.trials.values()))
    model_of = keeping.models_of(trials)
    keeping.grow_stages(rollups.by_stage(attempts, trials, model_of=model_of))
    keeping.grow_hours(rollups.by_hour(trials))
    keeping.grow_scopes(rollups.by_scope(attempts))
    _tell_books(attempts, now=now)
    _keep_unread(read.unread, now=now)
    alarms.late(read.late, now=now)
    return len(attempts), len(trials)


def _tell_books(attempts: Sequence[Attempt], *, now: datetime) -> None:
    cascades = Cascade.objects.filter(pk__in={each.cascade for each in attempts})
    accounts = {row.pk: booking.Account(row.slug, row.environment) for row in cascades}
    made = booking.booking(
        attempts,
        accounts=accounts,
        prices=keeping.price_history({each.model for each in attempts if each.pico}),
        now=now,
    )
    alarms.unlike(made.unlike, now=now)
    if made.usage:
        refused = record_usage(usage=made.usage, read_to=_read_to(accounts, now), now=now).refused
        alarms.refused(refused, attempts, now=now)


def _read_to(accounts: Mapping[int, booking.Account], now: datetime) -> dict[str, datetime]:
    return {f"cascade:{account.slug}": now for account in accounts.values()}


def _keep_unread(unread: Sequence[tuple[Entry, str]], *, now: datetime) -> None:
    UnreadEvent.objects.bulk_create(
        [
            UnreadEvent(
                entry=entry.place,
                body=entry.body[:LONGEST_BODY].decode(errors="replace").replace("\x00", "\ufffd"),
                why=why.replace("\x00", "\ufffd"),
                seen_at=now,
            )
            for entry, why in unread
        ],
        ignore_conflicts=True,
    )
    alarms.unread(unread, now=now)
