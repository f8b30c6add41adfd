"""A metered quantity, what it looks like to be the same twice, and what cannot be booked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import sha256

from billing.domain import skus

QUANTUM = Decimal("0.000000001")
MOST = Decimal(10) ** 18
# A clock in AWS may be a little ahead of ours.
CLOCK_SKEW = timedelta(minutes=5)
LONGEST = {
    "uid": 250,
    "deployment": 63,
    "environment": 20,
    "tier": 40,
    "model": 120,
    "resource": 250,
    "sku": 160,
    "unit": 30,
}


@dataclass(frozen=True, slots=True)
class Usage:
    """`quantity` units of a SKU, used from `started_at` to `ended_at` inside one hour (UTC).

    `uid` is derived from source and interval, so that asking twice gives the same. A quantity is
    kept to nine decimals.
    """

    uid: str
    feature_id: int
    deployment: str
    environment: str
    tier: str
    model: str
    resource: str
    sku: str
    quantity: Decimal
    unit: str
    started_at: datetime
    ended_at: datetime

    @property
    def hour(self) -> datetime:
        """Return the start of the hour it belongs to."""
        return hour_of(self.started_at)

    @property
    def kept_quantity(self) -> Decimal:
        """Return the quantity as the books keep it; as it came when that is impossible."""
        if not self.quantity.is_finite() or abs(self.quantity) >= MOST:
            return self.quantity
        return self.quantity.quantize(QUANTUM, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class RefusedUsage:
    """Usage that was not booked, and why."""

    usage: Usage
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch: counts of new and repeated events, and the refused ones."""

    new: int
    repeated: int
    refused: tuple[RefusedUsage, ...] = ()


def hour_of(moment: datetime) -> datetime:
    """Return the start of the hour a moment falls into, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def fingerprint(usage: Usage) -> str:
    """Return a digest of all but the uid: two events with one uid must agree in it."""
    return sha256("\x1f".join(as_texts(usage).values()).encode()).hexdigest()


def as_texts(usage: Usage) -> Mapping[str, str]:
    """Return all but the uid as text, each value in its one canonical form."""
    return {
        "feature_id": str(usage.feature_id),
        "deployment": usage.deployment,
        "environment": usage.environment,
        "tier": usage.tier,
        "model": usage.model,
        "resource": usage.resource,
        "sku": usage.sku,
        "quantity": f"{usage.kept_quantity:f}",
        "unit": usage.unit,
        "started_at": usage.started_at.astimezone(UTC).isoformat(),
        "ended_at": usage.ended_at.astimezone(UTC).isoformat(),
    }


def fault(usage: Usage, *, now: datetime) -> str:
    """Return the sentence that says why it cannot be booked; empty when it can."""
    return _fault_of_texts(usage) or _fault_of_time(usage, now=now) or _fault_of_quantity(usage)


def _fault_of_texts(usage: Usage) -> str:
    for name, longest in LONGEST.items():
        text = getattr(usage, name)
        if len(text) > longest:
            return f"{name} has {len(text)} characters; at most {longest} fit."
        if not text and name != "model":
            return f"{name} is empty."
        if "\x00" in text:
            return f"{name} holds a NUL character."
    return ""


def _fault_of_time(usage: Usage, *, now: datetime) -> str:
    if usage.started_at.tzinfo is None or usage.ended_at.tzinfo is None:
        return "Its times have no time zone; say UTC."
    span = f"{_when(usage.started_at)} to {_when(usage.ended_at)}"
    if usage.ended_at <= usage.started_at:
        return f"It ends before it begins ({span})."
    if hour_of(usage.ended_at - timedelta(microseconds=1)) != usage.hour:
        return f"It crosses an hour boundary ({span}); split it at the full hour, one uid each."
    if usage.ended_at > now + CLOCK_SKEW:
        return f"It lies in the future ({span}); it is {_when(now)} now."
    return ""


def _fault_of_quantity(usage: Usage) -> str:
    try:
        unit = skus.unit_of(usage.sku).name
    except skus.UnknownSku as unknown:
        return str(unknown)
    if usage.unit != unit:
        return f"{usage.sku} is counted in {unit}, not in {usage.unit}."
    if not usage.quantity.is_finite():
        return f"A quantity is a number, not {usage.quantity}."
    if usage.quantity < 0:
        return f"A quantity is never below zero; this is {usage.quantity}."
    if usage.quantity >= MOST:
        return f"A quantity of {usage.quantity:.3e} is more than can be real (below 1e18)."
    return ""


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".") + " UTC"
