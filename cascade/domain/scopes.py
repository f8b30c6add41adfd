"""Who pays for an attempt, what each may spend in a month, and what is held meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

ORGANISATION = "organisation"
FEATURE = "feature:"


@dataclass(frozen=True, slots=True)
class ScopeLimit:
    """One of those who pay, and its monthly limit in micro-dollars; None counts without a limit."""

    name: str
    limit_micro: int | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """The most an attempt can cost, held before it is made.

    `hold_id` is the attempt's id: a hold asked for twice is held once. `expires_s` is how long it
    lasts, in seconds from now by the counters' own clock: longer than the attempt's deadline.
    `on_loss` is the attempt's event (events.encode) that is booked when nobody settles in time;
    its `at` says to which month everything about this attempt belongs.
    """

    hold_id: str
    scopes: tuple[ScopeLimit, ...]
    micro: int
    expires_s: float
    on_loss: bytes


@dataclass(frozen=True, slots=True)
class Booking:
    """An event to be told; with a `hold_id` it is an attempt's, and settles that hold.

    `micro` is what the attempt cost, as its event says; `scopes` pay where the hold was lost.
    """

    event: bytes
    hold_id: str = ""
    micro: int = 0
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reserved:
    """Whether a hold was granted; when not, by whose limit it was refused.

    `spent_share_of_feature` is what the feature has spent of its monthly limit, 0 without one;
    what is only held does not count in it, since most of it comes back.
    """

    is_granted: bool
    refused_scope: str = ""
    spent_share_of_feature: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A scope's month in micro-dollars: spent, held, and booked by all that is no cascade."""

    spent_micro: int = 0
    held_micro: int = 0
    other_micro: int = 0


def names_of(*, key: str, feature: int, team: int) -> tuple[str, str, str, str]:
    """Return the four scopes of an attempt: its key, feature, team and the organisation."""
    return (f"key:{key}", f"{FEATURE}{feature}", f"team:{team}", ORGANISATION)


def limits_of(
    *, key: str, feature: int, team: int, limits: Mapping[str, int | None]
) -> tuple[ScopeLimit, ...]:
    """Return the four scopes with the limits given by scope name; the others have none."""
    names = names_of(key=key, feature=feature, team=team)
    return tuple(ScopeLimit(name, limits.get(name)) for name in names)


def month_of_us(at_us: int) -> str:
    """Return the calendar month (UTC) of microseconds since 1970, as in `2026-11`."""
    return f"{datetime.fromtimestamp(at_us // 1_000_000, tz=UTC):%Y-%m}"
