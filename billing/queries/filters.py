"""Which rows of the books somebody asks for, and which of them they may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from django.db.models import Model, QuerySet

from billing.domain.money import Month
from portal.access import Actor

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; an empty text asks for all."""

    month: Month
    day: date | None = None
    team: str = ""
    feature: str = ""
    deployment: str = ""
    environment: str = ""
    tier: str = ""
    model: str = ""
    sku: str = ""
    kind: str = ""

    @property
    def first(self) -> date:
        """Return the first day asked for."""
        return self.day or self.month.first

    @property
    def last(self) -> date:
        """Return the last day asked for."""
        return self.day or self.month.last

    @property
    def hours(self) -> tuple[datetime, datetime]:
        """Return the first and the last hour asked for."""
        start = self.month.starts_at + timedelta(days=(self.first - self.month.first).days)
        return start, start + timedelta(days=(self.last - self.first).days + 1, hours=-1)


# How a filter is named in the tables of the books.
COLUMNS = {
    "team": "team__slug",
    "feature": "feature__slug",
    "deployment": "deployment",
    "environment": "environment",
    "tier": "tier",
    "model": "model",
    "sku": "sku",
    "kind": "kind",
}


def visible(rows: QuerySet[Row], *, actor: Actor) -> QuerySet[Row]:
    """Keep the rows of teams the actor sees."""
    return rows if actor.sees_everything else rows.filter(team_id__in=list(actor.team_roles))


def matching(rows: QuerySet[Row], *, filters: Filters) -> QuerySet[Row]:
    """Keep the rows that have what is asked for; time is the caller's to narrow."""
    asked = {
        column: getattr(filters, name) for name, column in COLUMNS.items() if getattr(filters, name)
    }
    return rows.filter(**asked)
