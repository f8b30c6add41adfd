"""Who may come in: the key, its rates, the model that is asked for."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from cascade.adapters.counters import CountersAway
from cascade.domain.limits import Rates
from cascade.gateway.refusing import Refused
from cascade.gateway.snapshot import Cascade, Key, Snapshot

SECRET = re.compile(r"slwk_([0-9a-f]{8})_[A-Za-z0-9_-]{16,128}")
AUTO = "auto"
RATE_USED_UP = "rate_limit_exceeded"


class Counted(Protocol):
    """The rates every process shares."""

    def admit(
        self,
        *,
        key: str,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        tokens: int,
    ) -> Awaitable[float | None]:
        """Ask at once; what is returned brings the seconds to wait, None to come in."""
        ...


def who(headers: Iterable[tuple[bytes, bytes]], snapshot: Snapshot) -> tuple[Key, Cascade]:
    """Return the key of a request and its cascade. Raises Refused."""
    named = {name.lower(): value for name, value in headers}
    given = named.get(b"authorization", b"").decode("latin-1")
    scheme, _, secret = given.partition(" ")
    if scheme.lower() != "bearer":
        secret = named.get(b"x-api-key", b"").decode("latin-1")
    found = SECRET.fullmatch(secret.strip())
    key = snapshot.keys.get(found[1]) if found else None
    digest = hashlib.sha256(secret.strip().encode()).hexdigest()
    if key is None or not hmac.compare_digest(digest, key.digest):
        raise _stranger("This is no key of a cascade. Send one as Authorization: Bearer slwk_...")
    if key.is_revoked:
        raise _stranger("This key was revoked.")
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        raise _stranger(f"This key ended at {key.expires_at:%Y-%m-%d %H:%M} UTC.")
    cascade = snapshot.cascades.get(key.cascade_id)
    if cascade is None:
        raise Refused(
            404, "no_live_policy", "The cascade of this key is retired or has no live policy."
        )
    return key, cascade


def _stranger(words: str) -> Refused:
    return Refused(401, "invalid_api_key", words, kind="authentication_error")


def stage_asked(cascade: Cascade, model: str) -> int | None:
    """Return the stage that a request names; None for the cascade itself. Raises Refused."""
    if model in (AUTO, cascade.slug):
        return None
    names = [stage.name for stage in cascade.live.policy.stages]
    if model in names:
        return names.index(model)
    known = ", ".join([cascade.slug, AUTO, *names])
    raise Refused(
        404,
        "model_not_found",
        f"There is no model {model[:100]!r} here; ask for one of {known}.",
        path="model",
    )


@dataclass(slots=True)
class Rated:
    """Admits requests by the shared rates, and by this process's own while those are away."""

    counters: Counted
    own: Rates = field(default_factory=Rates)
    closed_until_s: dict[str, float] = field(default_factory=dict)

    async def asked(self, key: Key, *, tokens: int, now_s: float) -> Awaitable[None] | None:
        """Return what says whether a request is let in; None when nothing limits it.

        The question travels with that for money, so it is only begun here. A key that was turned
        away is asked about first, until its time is over: Refused is raised at once.
        """
        if key.requests_per_minute is None and key.tokens_per_minute is None:
            return None
        reply = self.counters.admit(
            key=key.prefix,
            requests_per_minute=key.requests_per_minute,
            tokens_per_minute=key.tokens_per_minute,
            tokens=tokens,
        )
        admission = _Admission(self, key, tokens, now_s, reply)
        if self.closed_until_s.get(key.prefix, 0.0) > now_s:
            await admission
            return None
        return admission

    async def heard(
        self, reply: Awaitable[float | None], key: Key, *, tokens: int, now_s: float
    ) -> None:
        """Let a request in when the counters say so. Raises Refused with the seconds to wait."""
        try:
            wait_s = await reply
        except CountersAway:
            wait_s = self.own.wait_s(
                key.prefix,
                limits=_limits(key, tokens),
                now_s=now_s,
            )
        if wait_s is not None:
            self.closed_until_s[key.prefix] = now_s + wait_s
            raise Refused(
                429,
                RATE_USED_UP,
                f"This key's rate is used up; come again in {max(1, round(wait_s))} s.",
                kind="rate_limit_error",
                retry_after_s=wait_s,
            )


@dataclass(frozen=True, slots=True)
class _Admission:
    """The answer to come; a request that fails before it asks for money never looks."""

    rated: Rated
    key: Key
    tokens: int
    now_s: float
    reply: Awaitable[float | None]

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for it. Raises Refused."""
        heard = self.rated.heard(self.reply, self.key, tokens=self.tokens, now_s=self.now_s)
        return heard.__await__()


def _limits(key: Key, tokens: int) -> Mapping[str, tuple[int, int]]:
    """Return what each rate counts of a request, and how much it allows a minute."""
    found = {}
    if key.requests_per_minute is not None:
        found["requests"] = (1, key.requests_per_minute)
    if key.tokens_per_minute is not None:
        found["tokens"] = (tokens, key.tokens_per_minute)
    return found
