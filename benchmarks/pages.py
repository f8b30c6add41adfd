"""Server time and queries of every main page and REST list, as a lead and as finance."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.test import Client

from benchmarks.figures import Figure, Timing, timed
from portal.access import Actor, Role, Scope
from portal.models import Membership, User
from portal.usecases import keys

PAGE_MS = 100
LIST_MS = 60
# Its own parts come by htmx as soon as the page is there.
LOADED_AT_ONCE = re.compile(r'<[^>]*hx-get="([^"]+)"[^>]*hx-trigger="[^"]*\bload\b')
LOADED_AT_ONCE_TOO = re.compile(r'<[^>]*hx-trigger="[^"]*\bload\b[^>]*hx-get="([^"]+)"')
PAGES = {
    "home": "/",
    "features": "/features/",
    "feature": "/features/chatbot/",
    "workload": "/features/chatbot/workload/",
    "options": "/features/chatbot/options/",
    "deployments of a feature": "/features/chatbot/deployments/",
    "spend of a feature": "/features/chatbot/spend/",
    "activity of a feature": "/features/chatbot/activity/",
    "fleet": "/fleet/",
    "deployment": "/deployments/chatbot-production/",
    "spend": "/spend/",
    "spend by feature": "/spend/by/feature/",
    "ledger": "/spend/ledger/",
    "budgets": "/spend/budgets/",
    "prices": "/spend/prices/",
    "activity": "/activity/",
    "search": "/search/?q=chat",
}
LISTS = {
    "GET features": "/api/v1/features?limit=50",
    "GET deployments": "/api/v1/deployments?limit=50",
    "GET recommendations": "/api/v1/recommendations?limit=50",
    "GET charges": "/api/v1/charges?limit=50",
    "GET usage": "/api/v1/usage?limit=50",
    "GET spend": "/api/v1/spend?limit=50",
    "GET budgets": "/api/v1/budgets?limit=50",
    "GET activity": "/api/v1/activity?limit=50",
}


class Broken(Exception):
    """A page did not answer with 200."""


@dataclass(slots=True)
class Counter:
    """Counts the queries that pass."""

    queries: int = 0

    def __call__(self, execute: Callable[..., Any], *rest: Any) -> Any:
        """Count one and let it pass."""
        self.queries += 1
        return execute(*rest)


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Ask for everything as each person; return p95 with p50 and queries as the remark."""
    return list(_all(options.runs))


def _all(runs: int) -> Iterator[Figure]:
    for who in ("lead", "finance"):
        user = User.objects.get(email=f"{who}@content-ai.example")
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        for name, path in PAGES.items():
            yield _measured(f"{who}: {name}", _page(client, path), runs=runs, limit=PAGE_MS)
        client = Client(headers={"Authorization": f"Bearer {_key(user)}"})
        for name, path in LISTS.items():
            yield _measured(f"{who}: {name}", _page(client, path), runs=runs, limit=LIST_MS)


def _measured(name: str, work: Callable[[], Sequence[float]], *, runs: int, limit: float) -> Figure:
    counter = Counter()
    with connection.execute_wrapper(counter):
        taken = work()
    slowest: list[float] = []
    timing = timed(lambda: slowest.append(max(work())), runs=runs)
    remark = f"p50 {timing.percentile_ms(50):.0f} ms, {counter.queries} queries"
    if len(taken) > 1:
        one = Timing(tuple(sorted(slowest[-runs:]))).percentile_ms(95)
        remark += f", {len(taken)} answers, the slowest p95 {one:.0f} ms"
    return Figure(name, timing.percentile_ms(95), "ms", limit, remark)


def _page(client: Client, path: str) -> Callable[[], Sequence[float]]:
    """Return what asks for a page, then for each part it loads at once; seconds of each answer."""

    def ask() -> Sequence[float]:
        moments = [time.perf_counter()]
        text = _get(client, path)
        moments.append(time.perf_counter())
        for part in sorted({*LOADED_AT_ONCE.findall(text), *LOADED_AT_ONCE_TOO.findall(text)}):
            _get(client, part.replace("&amp;", "&"), headers={"HX-Request": "true"})
            moments.append(time.perf_counter())
        return [later - before for before, later in pairwise(moments)]

    return ask


def _get(client: Client, path: str, **options: Any) -> str:
    reply = client.get(path, **options)
    if reply.status_code not in (200, 204):
        raise Broken(f"{path} answered {reply.status_code}: {reply.content[:300]!r}")
    return str(reply.content.decode())


def _key(user: User) -> str:
    now = datetime.now(UTC)
    held = Membership.objects.filter(user=user)
    actor = Actor(
        name=str(user),
        user_id=user.pk,
        team_roles={row.team_id: Role(row.role) for row in held if row.team_id is not None},
        roles=frozenset(Role(row.role) for row in held if row.team_id is None),
    )
    _, secret = keys.create_key(
        actor=actor,
        name="benchmark",
        scopes=(Scope.READ,),
        expires_at=now + timedelta(days=1),
        now=now,
    )
    return secret
