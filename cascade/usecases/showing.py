"""Ask a cascade example queries through its gateway, and check that all books agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from billing.models import Charge
from cascade.adapters.client import Heard
from cascade.models import Attempt, Cascade, CascadeHour, StageHour, Trial
from cascade.usecases import keys
from portal.access import SYSTEM

ZERO = Decimal(0)
KEY_NAME = "example queries"


@dataclass(frozen=True, slots=True)
class Sums:
    """What a cascade cost since it began, as each of the books says; they must be one number."""

    attempts: Decimal
    requests: Decimal
    stage_hours: Decimal
    cascade_hours: Decimal
    ledger: Decimal

    @property
    def agree(self) -> bool:
        """Say whether they are one number to the last digit."""
        found = {
            self.attempts, self.requests, self.stage_hours, self.cascade_hours, self.ledger,
        }  # fmt: skip
        return len(found) == 1


def open_door(*, cascade: Cascade, now: datetime) -> tuple[str, str]:
    """Return the prefix and secret of a key for the examples."""
    row, secret = keys.create_key(actor=SYSTEM, cascade=cascade, name=KEY_NAME, now=now)
    return row.prefix, secret


def close_door(*, cascade: Cascade, prefix: str, now: datetime) -> None:
    """End that key."""
    keys.revoke_key(actor=SYSTEM, cascade=cascade, prefix=prefix, now=now)


def logged(*, heard: Sequence[Heard]) -> int:
    """Return how many of the answers have come into the log."""
    ids = [UUID(each.decision_id) for each in heard if each.decision_id]
    return Trial.objects.filter(uuid__in=ids).count()


def sums(*, cascade: Cascade) -> Sums:
    """Return what each of the books says."""

    def total(rows: object, field: str = "usd") -> Decimal:
        found = rows.aggregate(sum=Sum(field))["sum"]  # type: ignore[attr-defined]
        return Decimal(found or 0)

    trials = Trial.objects.filter(cascade=cascade)
    hours = CascadeHour.objects.filter(cascade=cascade)
    return Sums(
        attempts=total(Attempt.objects.filter(cascade=cascade)),
        requests=total(trials) + total(trials, "shadow_usd"),
        stage_hours=total(StageHour.objects.filter(cascade=cascade)),
        cascade_hours=total(hours) + total(hours, "shadow_usd"),
        ledger=total(Charge.objects.filter(deployment=cascade.slug)),
    )


def by_stage(heard: Sequence[Heard]) -> dict[str, Counter[str]]:
    """Return how often each stage answered, by how hard the query was meant to be."""
    found: dict[str, Counter[str]] = {}
    for each in heard:
        found.setdefault(each.query.level, Counter())[each.stage or f"HTTP {each.status}"] += 1
    return found
