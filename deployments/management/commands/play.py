"""`manage.py play`: launch a scenario's features, play their traffic, add up what it cost."""

from __future__ import annotations

import time
from argparse import FileType
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from billing.domain.money import in_words
from deployments import reconciler
from deployments.adapters import scenarios
from deployments.models import Deployment, TrafficRun
from deployments.queries import operations
from deployments.usecases import metering, showcase, traffic
from portal import aws
from portal.access import SYSTEM
from portal.errors import Refusal

READY_WITHIN_SECONDS = 300
METERED_WITHIN_SECONDS = 240


class Command(BaseCommand):
    help = "Launch a scenario unattended, play its traffic and print the month so far."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the scenario, how much load, how fast, and a trace to follow."""
        parser.add_argument("--scenario", default="content-ai", choices=scenarios.names())
        parser.add_argument("--minutes", type=int, default=60, help="of load (default 60)")
        parser.add_argument("--speed", type=Decimal, default=Decimal(120))
        parser.add_argument("--requests", type=int, default=200, help="at most, each feature")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument(
            "--trace",
            type=FileType("rb"),
            help="CSV or CSV.gz with TIMESTAMP, ContextTokens, GeneratedTokens for the chatbot",
        )
        parser.add_argument("--trace-feature", default="chatbot")

    def handle(self, *args: object, scenario: str, **options) -> None:
        """Play; exits with 1 and a sentence when something is refused or does not add up."""
        if not aws.is_sandbox():
            raise CommandError("`play` is for the sandbox: on AWS it would spend real money.")
        try:
            self._play(scenario, options)
        except Refusal as refusal:
            raise CommandError(f"{refusal} {' '.join(refusal.fields.values())}") from refusal

    def _play(self, key: str, options) -> None:
        slugs = [feature["slug"] for feature in scenarios.scenario(key)["features"]]
        launched = showcase.launch_all(
            actor=SYSTEM, slugs=slugs, clock=timezone.now, say=self.stdout.write
        )
        self._wait_until_ready(launched)
        runs = self._start_traffic(launched, options)
        with ThreadPoolExecutor(max_workers=len(runs) or 1) as pool:
            list(pool.map(_play_run, [run.pk for run in runs]))
        self._meter(launched)
        self._print(launched)

    def _wait_until_ready(self, launched: list[Deployment]) -> None:
        """Help the workers along (a lease keeps us apart) and wait."""
        began, told = time.monotonic(), -1
        while waiting := showcase.unfinished(launched):
            if time.monotonic() - began > READY_WITHIN_SECONDS:
                names = ", ".join(deployment.slug for deployment in waiting)
                raise CommandError(f"Not ready within {READY_WITHIN_SECONDS} s: {names}.")
            if len(waiting) != told:
                told = len(waiting)
                self.stdout.write(f"waiting for {told} of {len(launched)} deployments ...")
            _reconcile_due()
            time.sleep(0.5)

    def _start_traffic(self, launched: list[Deployment], options) -> list[TrafficRun]:
        trace = options["trace"].read() if options["trace"] else None
        runs = []
        for deployment in Deployment.objects.filter(
            pk__in=[each.pk for each in launched], state="ready"
        ).select_related("feature__team"):
            is_traced = trace is not None and deployment.feature.slug == options["trace_feature"]
            runs.append(
                traffic.start(
                    actor=SYSTEM,
                    deployment=deployment,
                    load_seconds=options["minutes"] * 60,
                    speed=options["speed"],
                    max_requests=options["requests"],
                    seed=options["seed"],
                    trace=trace if is_traced else None,
                    now=timezone.now(),
                )
            )
        self.stdout.write(f"playing {options['minutes']} minutes of load through {len(runs)} ...")
        return runs

    def _meter(self, launched: list[Deployment]) -> None:
        """Read until the minute in which the last request ended is in the books."""
        ended = timezone.now().replace(second=0, microsecond=0)
        self.stdout.write("metering (a minute is read when it is over) ...")
        began = time.monotonic()
        while time.monotonic() - began < METERED_WITHIN_SECONDS:
            _reconcile_due()
            is_over = timezone.now() >= ended + timedelta(minutes=1)
            is_seen = not showcase.unseen(launched, until=ended + timedelta(minutes=1))
            metering.meter(now=timezone.now())
            if is_over and is_seen:
                return
            time.sleep(1)
        raise CommandError("The meter did not catch up.")

    def _print(self, launched: list[Deployment]) -> None:
        rows = showcase.summary(deployments=launched, now=timezone.now())
        line = "{:<24} {:<9} {:>9} {:>9} {:>7} {:>7} {:>16} {:>18}"
        heads = (
            "feature",
            "state",
            "answered",
            "of",
            "p50 ms",
            "p95 ms",
            "estimate/month",
            "month so far",
        )
        self.stdout.write("\n" + line.format(*heads))
        for row in rows:
            run = row.run
            latency = run.latency_ms if run else {}
            self.stdout.write(
                line.format(
                    row.feature,
                    row.state,
                    run.answered if run else 0,
                    run.arrivals if run else 0,
                    latency.get("p50", "-"),
                    latency.get("p95", "-"),
                    in_words(row.monthly_usd),
                    f"{row.spend_usd:,.6f} USD",
                )
            )
        total = sum((row.spend_usd for row in rows), Decimal(0))
        ledger = sum((row.ledger_usd for row in rows), Decimal(0))
        self.stdout.write(f"\nmonth to date, by feature: {total} USD")
        self.stdout.write(f"ledger, sum of charges:    {ledger} USD")
        if total != ledger or any(row.spend_usd != row.ledger_usd for row in rows):
            raise CommandError("The pages and the ledger do not agree.")
        self.stdout.write("They agree to the last digit.")
        failed = [row.deployment for row in rows if row.state != "ready"]
        if failed:
            raise CommandError(f"Not ready: {', '.join(failed)}.")


def _play_run(run_id: int) -> None:
    try:
        traffic.play(run_id=run_id, clock=timezone.now)
    finally:
        connection.close()


def _reconcile_due() -> None:
    for pk in operations.due_resources(now=timezone.now()):
        try:
            reconciler.reconcile(resource_id=pk, clock=timezone.now)
        except reconciler.Busy:
            continue
