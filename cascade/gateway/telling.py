"""What the gateway says of itself: whether it is ready, its figures, the names it answers to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping

from cascade.domain.wire import openai
from cascade.gateway import doors, faces, refusing
from cascade.gateway.calls import Caller
from cascade.gateway.money import Purse, figures
from cascade.gateway.refusing import Refused
from cascade.gateway.snapshot import Holder, Snapshot

Page = tuple[int, faces.Headers, bytes]
PLAIN = [(b"content-type", b"text/plain; charset=utf-8")]


def alive() -> Page:
    """Return the page that a process that runs can always give."""
    return 200, PLAIN, b"alive\n"


def readiness(holder: Holder, *, is_draining: bool) -> Page:
    """Return whether requests should come here; 503 before the first snapshot and at the end."""
    if is_draining:
        return 503, PLAIN, b"draining\n"
    if holder.current is None:
        return 503, PLAIN, f"no snapshot yet. {holder.trouble}".strip().encode() + b"\n"
    words = f"ready with snapshot {holder.current.version}. {holder.trouble}".strip()
    return 200, PLAIN, f"{words}\n".encode()


def metrics(caller: Caller, purse: Purse, *, in_flight: int, counts: Mapping[str, int]) -> Page:
    """Return the figures of this process in Prometheus' text format."""
    now_s = time.monotonic()
    lines = [f"cascade_in_flight {in_flight}"]
    lines += [
        f'cascade_requests_total{{outcome="{name}"}} {count}'
        for name, count in sorted(counts.items())
    ]
    lines += [f"cascade_{name} {value:g}" for name, value in figures(purse).items()]
    for address, breaker in sorted(caller.breakers.items()):
        state = breaker.state(now_s=now_s).value
        lines.append(f'cascade_breaker{{target={json.dumps(address)},state="{state}"}} 1')
    return 200, PLAIN, ("\n".join(lines) + "\n").encode()


def models(headers: Iterable[tuple[bytes, bytes]], snapshot: Snapshot | None) -> Page:
    """Return the names that a key may ask for, as OpenAI lists models."""
    try:
        if snapshot is None:
            raise refusing.no_policies()
        _, cascade = doors.who(headers, snapshot)
    except Refused as refused:
        return refused.status, *faces.OpenAI().refusal(refused)
    names = [cascade.slug, doors.AUTO, *(stage.name for stage in cascade.live.policy.stages)]
    body = openai.write_models(names, created=0, owner="slipway")
    return 200, [faces.JSON], json.dumps(body).encode()


def nothing(method: str, path: str) -> Page:
    """Return that nothing answers here, and what does."""
    refused = Refused(
        404,
        "not_found",
        f"Nothing answers {method} {path[:100]}; POST /v1/chat/completions or "
        "/model/{model}/converse, GET /v1/models.",
    )
    return refused.status, *faces.OpenAI().refusal(refused)
