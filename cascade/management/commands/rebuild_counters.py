"""`manage.py rebuild_counters`: spending counters made anew from rows and stream."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cascade.usecases import counters
from cascade.usecases.streams import CountersAway, stream_at


class Command(BaseCommand):
    """Compare the counters with rows and stream, and make them anew."""

    help = "Make the cascade's spending counters anew from the rows, while gateways go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        if not settings.CASCADE_URL:
            raise CommandError("CASCADE_URL is not set: there are no counters.")
        try:
            with stream_at(settings.CASCADE_URL) as stream:
                for each in counters.check(stream=stream, now=timezone.now()):
                    self.stdout.write(
                        f"{each.counter} {each.scope}: {each.is_micro} micro-dollars, "
                        f"should be {each.should_micro}"
                    )
                if not check:
                    made = counters.rebuild(stream=stream, now=timezone.now())
                    self.stdout.write(
                        f"{made.scopes} scopes; the organisation has spent "
                        f"{made.organisation_micro} micro-dollars this month"
                    )
        except CountersAway as reason:
            raise CommandError(str(reason)) from reason
