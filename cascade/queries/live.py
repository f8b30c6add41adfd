"""What cascades do now and did lately, from roll-ups: never from a scan of all requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from cascade.domain.latencies import percentile_ms
from cascade.models import Alert, Cascade, CascadeHour, StageHour, Trial
from cascade.queries.cascades import Standing, cascades, limits_of, standings
from portal.access import Actor

ZERO = Decimal(0)
COUNTS = ("requests", "answered", "short", "failed", "refused", "cancelled", "escalated")
MONEY = ("usd", "shadow_usd", "baseline_usd")
NOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Figures:
    """A stretch of time added up. Money in USD; `usd` has no shadow calls in it.

    Latencies are upper bounds of buckets in ms, None when nothing was answered.
    """

    requests: int = 0
    answered: int = 0
    short: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    escalated: int = 0
    usd: Decimal = ZERO
    shadow_usd: Decimal = ZERO
    baseline_usd: Decimal = ZERO
    p50_ms: int | None = None
    p95_ms: int | None = None
    first_token_p50_ms: int | None = None

    @property
    def total_usd(self) -> Decimal:
        """Return everything it cost, shadow calls too."""
        return self.usd + self.shadow_usd

    @property
    def saved_usd(self) -> Decimal:
        """Return what the strongest model alone would have cost more; shadow calls count."""
        return self.baseline_usd - self.total_usd

    @property
    def saved_share(self) -> float | None:
        """Return the share of the baseline that was saved; None without one."""
        return float(self.saved_usd / self.baseline_usd) if self.baseline_usd else None

    @property
    def escalated_share(self) -> float | None:
        """Return the share of requests that went up; None without requests."""
        return self.escalated / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class StageFigures:
    """A stage added up; `usd` holds its own, its partner's and its judge's calls."""

    stage: str
    model: str
    answered: int
    rejected: int
    attempts: int
    failed: int
    input_tokens: int
    output_tokens: int
    usd: Decimal
    share: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour with requests by the stage that answered."""

    hour: datetime
    figures: Figures
    answered: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Minutes:
    """The last quarter of an hour, counted from the log itself."""

    since: datetime
    requests: int
    escalated: int
    failed: int
    usd: Decimal
    by_stage: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Live:
    """Everything the live page shows."""

    standing: Standing | None
    whole: Figures
    stages: tuple[StageFigures, ...]
    by_role: Mapping[str, Decimal]
    by_policy: Mapping[int, Figures]
    hours: tuple[Bar, ...]
    minutes: Minutes
    month: Figures
    limit_usd: Decimal | None
    open_alerts: int

    @property
    def limit_share(self) -> float | None:
        """Return the share of the month's limit that is spent; None without a limit."""
        return float(self.month.total_usd / self.limit_usd) if self.limit_usd else None


@dataclass(frozen=True, slots=True)
class Line:
    """A cascade in the overview: what answers, and its last 24 hours."""

    cascade: Cascade
    standing: Standing | None
    day: Figures
    limit_usd: Decimal | None
    open_alerts: int


def overview(*, actor: Actor, now: datetime) -> tuple[Line, ...]:
    """Return all cascades the actor may see that are not retired: five queries."""
    rows = list(cascades(actor=actor).filter(retired_at=None))
    ids = [row.pk for row in rows]
    answering = standings(ids=ids)
    limits = limits_of(ids=[row.feature_id for row in rows])
    hours: dict[int, list[CascadeHour]] = {}
    since = now - timedelta(hours=24)
    for each in CascadeHour.objects.filter(cascade__in=ids, hour__gt=since, hour__lte=now):
        hours.setdefault(each.cascade_id, []).append(each)
    alerts = dict(
        Alert.objects.filter(cascade__in=ids, closed_at=None)
        .order_by()
        .values_list("cascade_id")
        .annotate(count=Count("pk"))
    )
    return tuple(
        Line(
            cascade=row,
            standing=answering.get(row.pk),
            day=added(hours.get(row.pk, ())),
            limit_usd=limits.get(row.feature_id),
            open_alerts=alerts.get(row.pk, 0),
        )
        for row in rows
    )


def live(*, cascade: Cascade, now: datetime, hours: int = 24) -> Live:
    """Return what a cascade did in the last hours: eight queries, however much it was."""
    since = now - timedelta(hours=hours)
    rows = list(
        CascadeHour.objects.filter(cascade=cascade, hour__gt=since, hour__lte=now).order_by("hour")
    )
    stages = list(
        StageHour.objects.filter(cascade=cascade, hour__gt=since, hour__lte=now).order_by("hour")
    )
    policies = sorted({row.policy for row in rows})
    standing = standings(ids=[cascade.pk]).get(cascade.pk)
    return Live(
        standing=standing,
        whole=added(rows),
        stages=_stages(stages, standing),
        by_role=_by_role(stages),
        by_policy={
            number: added([row for row in rows if row.policy == number]) for number in policies
        },
        hours=_bars(rows, stages),
        minutes=_minutes(cascade, now),
        month=month(cascade=cascade, now=now),
        limit_usd=limits_of(ids=[cascade.feature_id]).get(cascade.feature_id),
        open_alerts=Alert.objects.filter(cascade=cascade, closed_at=None).count(),
    )


def month(*, cascade: Cascade, now: datetime) -> Figures:
    """Return a cascade's calendar month (UTC) so far, without latencies."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    held = CascadeHour.objects.filter(cascade=cascade, hour__gte=start, hour__lte=now)
    sums = held.aggregate(
        **{name: Sum(name, default=0) for name in COUNTS},
        **{name: Sum(name, default=ZERO) for name in MONEY},
    )
    return _figures(sums)


def _figures(sums: dict[str, Any]) -> Figures:
    return Figures(**sums)


def added(rows: Iterable[CascadeHour]) -> Figures:
    """Return hours added up, with percentiles of their latencies."""
    rows = list(rows)
    latency: Counter[str] = Counter()
    first: Counter[str] = Counter()
    for row in rows:
        latency.update(row.latency)
        first.update(row.first_token)
    counts: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in COUNTS}
    money: dict[str, Any] = {
        name: sum((getattr(row, name) for row in rows), ZERO) for name in MONEY
    }
    return Figures(
        **counts,
        **money,
        p50_ms=percentile_ms(latency, 50),
        p95_ms=percentile_ms(latency, 95),
        first_token_p50_ms=percentile_ms(first, 50),
    )


def _stages(rows: Sequence[StageHour], standing: Standing | None) -> tuple[StageFigures, ...]:
    """Return each stage's figures, in the live policy's order, the others after them by name."""
    order = [each["name"] for each in standing.live.body["stages"]] if standing else []
    found: dict[str, list[StageHour]] = {}
    for row in rows:
        if row.stage and row.role != "shadow":
            found.setdefault(row.stage, []).append(row)
    names = [name for name in order if name in found] + sorted(set(found) - set(order))
    total = sum(row.answered for row in rows)
    return tuple(_stage(name, found[name], total) for name in names)


def _stage(name: str, rows: Sequence[StageHour], total: int) -> StageFigures:
    own = [row for row in rows if row.role == "stage"]
    answered = sum(row.answered for row in own)
    return StageFigures(
        stage=name,
        model=own[-1].model if own else "",
        answered=answered,
        rejected=sum(row.rejected for row in own),
        attempts=sum(row.attempts for row in own),
        failed=sum(row.failed for row in own),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        usd=sum((row.usd for row in rows), ZERO),
        share=answered / total if total else 0.0,
    )


def _by_role(rows: Sequence[StageHour]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        found[row.role] = found.get(row.role, ZERO) + row.usd
    return found


def _bars(rows: Sequence[CascadeHour], stages: Sequence[StageHour]) -> tuple[Bar, ...]:
    answered: dict[datetime, Counter[str]] = {}
    for stage in stages:
        if stage.answered:
            answered.setdefault(stage.hour, Counter())[stage.stage] += stage.answered
    hours: dict[datetime, list[CascadeHour]] = {}
    for row in rows:
        hours.setdefault(row.hour, []).append(row)
    return tuple(
        Bar(hour, added(some), dict(answered.get(hour, {}))) for hour, some in hours.items()
    )


def _minutes(cascade: Cascade, now: datetime) -> Minutes:
    since = now - NOW
    rows = (
        Trial.objects.filter(cascade=cascade, at__gt=since, at__lte=now)
        .order_by()
        .values("stage", "status")
        .annotate(count=Count("pk"), up=Count("pk", filter=_went_up()), sum=Sum("usd"))
    )
    by_stage: Counter[str] = Counter()
    requests = escalated = failed = 0
    usd = ZERO
    for row in rows:
        requests += row["count"]
        escalated += row["up"]
        failed += row["count"] if row["status"] == "failed" else 0
        usd += row["sum"]
        if row["stage"]:
            by_stage[row["stage"]] += row["count"]
    return Minutes(since, requests, escalated, failed, usd, dict(by_stage))


def _went_up() -> Q:
    return Q(escalations__gt=0)
