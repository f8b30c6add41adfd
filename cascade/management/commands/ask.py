"""`manage.py ask`: send example support queries through the gateway, and add up what they cost."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing.domain.money import exact
from cascade.adapters.client import Heard, ask_all
from cascade.adapters.queries import queries
from cascade.models import Cascade
from cascade.queries.cascades import cascade_for
from cascade.queries.live import live
from cascade.usecases import showing
from portal import aws
from portal.access import SYSTEM
from portal.errors import Refusal

BOOKED_WITHIN_S = 60


class Command(BaseCommand):
    help = "Ask a cascade example support queries, streamed and plain, and check the books."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the cascade, how many queries, and how they are sent."""
        parser.add_argument("--cascade", default="supportai-production-cascade")
        parser.add_argument("--requests", type=int, default=200)
        parser.add_argument("--at-once", type=int, default=8)
        parser.add_argument("--stream-every", type=int, default=2, help="0: none (default 2)")
        parser.add_argument("--seed", type=int, default=7)

    def handle(self, *args: object, cascade: str, **options) -> None:
        """Ask; exits with 1 and a sentence when the books disagree."""
        if not aws.is_sandbox():
            raise CommandError("`ask` is for the sandbox: on AWS it would spend real money.")
        try:
            row = cascade_for(actor=SYSTEM, slug=cascade)
            prefix, secret = showing.open_door(cascade=row, now=timezone.now())
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        try:
            heard = self._ask(row, secret, options)
        finally:
            showing.close_door(cascade=row, prefix=prefix, now=timezone.now())
        self._tell(row, heard)

    def _ask(self, row: Cascade, secret: str, options) -> list[Heard]:
        time.sleep(1.5)  # Gateways look for a newer snapshot every second.
        return asyncio.run(
            ask_all(
                queries(count=options["requests"], seed=options["seed"]),
                url=settings.GATEWAY_URL,
                key=secret,
                model=row.slug,
                at_once=max(1, options["at_once"]),
                streamed_every=options["stream_every"],
            )
        )

    def _tell(self, row: Cascade, heard: list[Heard]) -> None:
        for level, stages in showing.by_stage(heard).items():
            told = ", ".join(f"{stage} {count}" for stage, count in stages.most_common())
            self.stdout.write(f"{level:<8} {sum(stages.values()):>5}: {told}")
        for each in [each for each in heard if each.status != 200][:3]:
            self.stdout.write(f"  {each.status}: {each.words}")
        self._wait(heard)
        self._books(row)

    def _wait(self, heard: list[Heard]) -> None:
        answered = sum(1 for each in heard if each.decision_id)
        until = time.monotonic() + BOOKED_WITHIN_S
        while showing.logged(heard=heard) < answered:
            if time.monotonic() > until:
                raise CommandError(f"Not all of {answered} requests were logged in time.")
            time.sleep(0.5)

    def _books(self, row: Cascade) -> None:
        found = live(cascade=row, now=timezone.now())
        whole = found.whole
        share = 0.0 if whole.saved_share is None else whole.saved_share
        self.stdout.write(
            f"cost {exact(whole.total_usd)} USD in the last 24 hours, saved {share:.1%} against "
            f"the strongest alone ({exact(whole.baseline_usd)} USD)"
        )
        until = time.monotonic() + BOOKED_WITHIN_S
        while not (sums := showing.sums(cascade=row)).agree:
            if time.monotonic() > until:
                raise CommandError(f"The books disagree: {sums}")
            time.sleep(0.5)
        digits = exact(Decimal(sums.ledger))
        self.stdout.write(f"attempts, requests, roll-ups and ledger agree: {digits} USD")
