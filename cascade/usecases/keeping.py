"""Events into rows by COPY, and roll-ups grown in the order of their keys."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from billing.models import PriceRow
from cascade.domain import booking
from cascade.domain.booking import PricedFrom
from cascade.domain.events import Attempt, Trial
from cascade.domain.prices import as_usd, pico_a_million
from cascade.domain.rollups import HourKey, HourSums, StageKey, StageSums
from cascade.models import PolicyVersion

ATTEMPT = (
    *("uuid", "trial_uuid", "at", "cascade_id", "feature_id", "team_id", "key", "policy"),
    *("number", "role", "stage", "model", "deployment", "outcome", "trouble", "input_tokens"),
    *("output_tokens", "cached_tokens", "usd", "micro", "latency_ms", "price_version"),
)
TRIAL = (
    *("uuid", "at", "cascade_id", "feature_id", "team_id", "key", "policy", "is_canary"),
    *("status", "http", "stage", "plan", "tried", "prompt", "answer", "is_streamed"),
    *("first_token_ms", "latency_ms", "overhead_ms", "escalations", "usd", "shadow_usd"),
    *("baseline_model", "baseline_usd", "intent"),
)
STAGE_SUMS = (
    *("attempts", "failed", "answered", "rejected", "input_tokens", "output_tokens"),
    *("cached_tokens", "usd", "micro", "saved_usd"),
)
STAGE_KEY = ("cascade_id", "hour", "policy", "role", "stage", "model")
STAGE_TYPES = (
    *("bigint", "timestamptz", "int", "text", "text", "text"),
    *("bigint",) * 7,
    *("numeric", "bigint", "numeric"),
)
HOUR_KEY = ("cascade_id", "hour", "policy")
HOUR_SUMS = (
    *("requests", "answered", "short", "failed", "refused", "cancelled", "streamed"),
    *("escalated", "usd", "shadow_usd", "baseline_usd"),
)
HOUR_COUNTS = ("latency", "first_token")
HOUR_TYPES = (
    *("bigint", "timestamptz", "int"),
    *("bigint",) * 8,
    *("numeric",) * 3,
    *("jsonb",) * 2,
)
SCOPE_TYPES = ("text", "text", "bigint")
# Adds two objects of counts, bucket by bucket.
ADD_COUNTS = """{name} = (SELECT coalesce(jsonb_object_agg(bucket, count), '{{}}') FROM (
    SELECT bucket, sum(count::bigint) AS count
    FROM (SELECT * FROM jsonb_each_text(held.{name})
          UNION ALL SELECT * FROM jsonb_each_text(excluded.{name})) AS both_ (bucket, count)
    GROUP BY bucket) AS sums)"""


def keep_attempts(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Keep attempts that are not known yet, and return those."""
    new = _copy("cascade_attempt", ATTEMPT, [_attempt_row(each) for each in attempts])
    return tuple(each for each in attempts if each.id in new)


def keep_trials(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Keep trials that are not known yet, and return those."""
    new = _copy("cascade_trial", TRIAL, [_trial_row(each) for each in trials])
    return tuple(each for each in trials if each.id in new)


def _copy(table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> set[UUID]:
    """COPY rows beside their table and insert what is new; return the new ids."""
    if not rows:
        return set()
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0"  # noqa: S608
        )
        with cursor.copy(f"COPY incoming ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming ORDER BY uuid "  # noqa: S608
            f"ON CONFLICT (uuid) DO NOTHING RETURNING uuid"
        )
        new = {uuid for (uuid,) in cursor.fetchall()}
        cursor.execute("DROP TABLE incoming")
    return new


def _moment(at_us: int) -> datetime:
    return booking.EPOCH + timedelta(microseconds=at_us)


def _attempt_row(each: Attempt) -> tuple[Any, ...]:
    return (
        each.id,
        each.trial,
        _moment(each.at_us),
        each.cascade,
        each.feature,
        each.team,
        each.key,
        each.policy,
        each.number,
        each.role,
        each.stage,
        each.model,
        each.deployment,
        each.outcome,
        each.trouble,
        each.tokens.input,
        each.tokens.output,
        each.tokens.cached,
        as_usd(each.pico),
        each.micro,
        each.latency_ms,
        each.price_version,
    )


def _trial_row(each: Trial) -> tuple[Any, ...]:
    return (
        each.id,
        _moment(each.at_us),
        each.cascade,
        each.feature,
        each.team,
        each.key,
        each.policy,
        each.is_canary,
        each.status,
        each.http,
        each.stage,
        json.dumps(each.plan),
        json.dumps(each.tried),
        each.prompt,
        each.answer,
        each.is_streamed,
        each.first_token_ms,
        each.latency_ms,
        each.overhead_ms,
        each.escalations,
        as_usd(each.pico),
        as_usd(each.shadow_pico),
        each.baseline_model,
        as_usd(each.baseline_pico),
        each.intent,
    )


def models_of(trials: Iterable[Trial]) -> Callable[[int, int, str], str]:
    """Return what names a stage's model by cascade and policy; empty when nobody knows."""
    wanted = {(each.cascade, each.policy) for each in trials}
    versions = PolicyVersion.objects.filter(
        cascade__in={cascade for cascade, _ in wanted}, number__in={number for _, number in wanted}
    )
    found = {
        (row.cascade_id, row.number, stage["name"]): stage["target"]["model"]
        for row in versions
        for stage in row.body["stages"]
    }
    return lambda cascade, policy, stage: found.get((cascade, policy, stage), "")


def price_history(models: set[str]) -> Mapping[str, Sequence[PricedFrom]]:
    """Return every price that tokens of some models ever had here, oldest first."""
    rows = PriceRow.objects.filter(
        region=settings.AWS_REGION, sku__in=booking.skus_of(models)
    ).order_by("effective_from", "pk")
    found: dict[str, list[PricedFrom]] = defaultdict(list)
    for row in rows:
        pico = pico_a_million(usd=row.usd, per=row.per)
        found[row.sku].append(PricedFrom(row.effective_from, pico))
    return found


def grow_stages(sums: Mapping[StageKey, StageSums]) -> None:
    """Add to stages' hours."""
    _grow(
        "cascade_stagehour",
        STAGE_KEY,
        STAGE_SUMS,
        STAGE_TYPES,
        [
            (
                *key,
                *(held.attempts, held.failed, held.answered, held.rejected),
                *(held.input_tokens, held.output_tokens, held.cached_tokens),
                *(as_usd(held.pico), held.micro, as_usd(held.saved_pico)),
            )
            for key, held in sorted(sums.items())
        ],
    )


def grow_hours(sums: Mapping[HourKey, HourSums]) -> None:
    """Add to cascades' hours."""
    _grow(
        "cascade_cascadehour",
        HOUR_KEY,
        HOUR_SUMS,
        HOUR_TYPES,
        [
            (
                *key,
                held.requests,
                *(held.statuses[word] for word in HOUR_SUMS[1:6]),
                *(held.streamed, held.escalated),
                *(as_usd(held.pico), as_usd(held.shadow_pico), as_usd(held.baseline_pico)),
                *(json.dumps(held.latency), json.dumps(held.first_token)),
            )
            for key, held in sorted(sums.items())
        ],
    )


def grow_scopes(sums: Mapping[tuple[str, str], int]) -> None:
    """Add to what scopes were charged in their months."""
    rows = [(*key, micro) for key, micro in sorted(sums.items())]
    _grow("cascade_scopemonth", ("month", "scope"), ("micro",), SCOPE_TYPES, rows)


def _grow(
    table: str,
    key: Sequence[str],
    sums: Sequence[str],
    types: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Add rows (key, sums, then counts by bucket) to those a table holds.

    They come in the order of their keys: two writers at once never wait for each other in a ring.
    """
    if not rows:
        return
    counts = HOUR_COUNTS if len(types) > len(key) + len(sums) else ()
    columns = (*key, *sums, *counts)
    grown = [f"{name} = held.{name} + excluded.{name}" for name in sums]
    grown += [ADD_COUNTS.format(name=name) for name in counts]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS held ({', '.join(columns)}) "  # noqa: S608 - names of ours
            f"SELECT * FROM unnest({', '.join(f'%s::{each}[]' for each in types)}) "
            f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(grown)}",
            [list(column) for column in zip(*rows, strict=True)],
        )
