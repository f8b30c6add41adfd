"""What about a cascade's money is not as it must be: one open alert of each kind says so."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from billing.domain.money import in_words
from billing.domain.usage import RefusedUsage
from cascade.adapters.stream import Difference, Entry
from cascade.domain.events import Attempt
from cascade.domain.prices import as_usd
from cascade.models import Alert, Cascade

log = logging.getLogger("slipway.cascade")
SHOWN = 20


def _by_cascade(attempts: Iterable[Attempt]) -> Mapping[int, list[Attempt]]:
    found: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        found[attempt.cascade].append(attempt)
    return found


def late(attempts: Sequence[Attempt], *, now: datetime) -> None:
    """Tell of answers that came after their holds were booked as lost: these costs are unbooked."""
    for cascade, found in _by_cascade(attempts).items():
        usd = as_usd(sum(each.pico for each in found))
        _raise(
            cascade,
            kind="late-answers",
            count=len(found),
            words=f"answers came after they were booked as lost; they cost {in_words(usd)}, of "
            f"which the books hold what was booked as lost",
            figures={"attempts": [_figures(each) for each in found[:SHOWN]]},
            now=now,
        )


def unlike(attempts: Sequence[Attempt], *, now: datetime) -> None:
    """Tell of attempts whose cost the books' prices do not make: an old or strange price table."""
    for cascade, found in _by_cascade(attempts).items():
        _raise(
            cascade,
            kind="price-mismatch",
            count=len(found),
            words="attempts cost another amount than the books' prices make of their tokens",
            figures={"attempts": [_figures(each) for each in found[:SHOWN]]},
            now=now,
        )


def refused(usage: Sequence[RefusedUsage], attempts: Sequence[Attempt], *, now: datetime) -> None:
    """Tell of usage that the books would not take."""
    slugs = dict(
        Cascade.objects.filter(pk__in={each.cascade for each in attempts}).values_list("slug", "pk")
    )
    for each in usage:
        _raise(
            slugs[each.usage.deployment],
            kind="usage-refused",
            count=1,
            words=f"rows of usage were refused by the books: {each.sentence}",
            figures={"sku": each.usage.sku, "uid": each.usage.uid},
            now=now,
        )


def unread(entries: Sequence[tuple[Entry, str]], *, now: datetime) -> None:
    """Tell of entries that are no events; with no cascade to name, it is told to all."""
    if not entries:
        return
    log.error("%d entries of the stream cannot be read: %s", len(entries), entries[0][1])
    for cascade in _running():
        _raise(
            cascade,
            kind="unread-events",
            count=len(entries),
            words=f"entries of the gateway's stream could not be read and were set aside, as in: "
            f"{entries[0][1]}",
            figures={"entries": [entry.place for entry, _ in entries[:SHOWN]]},
            now=now,
        )


def drift(differences: Sequence[Difference], *, now: datetime) -> None:
    """Tell of counters that are not what rows and stream make them."""
    if not differences:
        return
    rows = [
        {
            "counter": each.counter,
            "scope": each.scope,
            "is_micro": each.is_micro,
            "should_micro": each.should_micro,
        }
        for each in differences[:SHOWN]
    ]
    log.error("%d counters are not what they should be: %s", len(differences), rows)
    for cascade in _running():
        _raise(
            cascade,
            kind="counters-drift",
            count=len(differences),
            words="spending counters differed from the rows; `manage.py rebuild_counters` makes "
            "them anew",
            figures={"counters": rows},
            now=now,
        )


def _running() -> list[int]:
    return list(Cascade.objects.filter(retired_at=None).values_list("pk", flat=True))


def _figures(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": str(attempt.id),
        "model": attempt.model,
        "usd": str(as_usd(attempt.pico)),
        "input": attempt.tokens.input,
        "output": attempt.tokens.output,
        "cached": attempt.tokens.cached,
        "price_version": attempt.price_version,
    }


def _raise(
    cascade: int, *, kind: str, count: int, words: str, figures: dict[str, Any], now: datetime
) -> None:
    """Open an alert, or count on in the one that is open."""
    row, is_new = Alert.objects.get_or_create(
        cascade_id=cascade,
        kind=kind,
        closed_at=None,
        defaults={
            "sentence": f"{count} {words}.",
            "figures": figures | {"count": count},
            "at": now,
        },
    )
    if not is_new:
        total = row.figures.get("count", 0) + count
        row.sentence = f"{total} {words}."
        row.figures = figures | {"count": total}
        row.save(update_fields=["sentence", "figures"])
