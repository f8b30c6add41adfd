"""Requests and tokens a minute: what is refused with ThrottlingException."""

import threading
import time
from dataclasses import dataclass, field

from sandbox.wire import AwsError

_MAX_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    """A bucket that holds one minute's allowance and refills steadily."""

    level: float
    filled_at: float


@dataclass(slots=True)
class Allowance:
    """Buckets by name; safe to use from many threads."""

    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str, *, requests: float, tokens: float, want_tokens: float) -> None:
        """Take one request and some tokens (limits per minute); refuses when either is spent."""
        now = time.monotonic()
        with self._lock:
            if len(self._buckets) > _MAX_BUCKETS:
                self._buckets.clear()
            calls = self._filled(f"{name}#requests", requests, now)
            words = self._filled(f"{name}#tokens", tokens, now)
            if calls.level < 1:
                raise _throttled("requests")
            if words.level < min(want_tokens, tokens):
                raise _throttled("tokens")
            calls.level -= 1
            words.level -= want_tokens

    def give_back(self, name: str, tokens: float) -> None:
        """Return what was reserved and not used; a negative number takes more."""
        with self._lock:
            if bucket := self._buckets.get(f"{name}#tokens"):
                bucket.level += tokens

    def clear(self) -> None:
        """Forget every bucket."""
        with self._lock:
            self._buckets.clear()

    def _filled(self, name: str, per_minute: float, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(name, _Bucket(per_minute, now))
        refill = (now - bucket.filled_at) * per_minute / 60
        bucket.level = min(per_minute, bucket.level + refill)
        bucket.filled_at = now
        return bucket


def _throttled(what: str) -> AwsError:
    return AwsError(
        "ThrottlingException",
        f"Too many {what}, please wait before trying again.",
        status=429,
    )
