"""`manage.py seed`: the example organisation, so that a newcomer finds something to launch."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cascade.usecases import example as cascade_example
from deployments.usecases import example
from portal.embedded import home
from portal.errors import Refusal


class Command(BaseCommand):
    help = "Create the example organisation; run again, it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the scenario's name."""
        parser.add_argument("--scenario", default="content-ai")

    def handle(self, *args: object, scenario: str, **options: object) -> None:
        """Seed, and write down the sign-ins where `up` prints them from."""
        path = home.find(environ=os.environ).folder / "accounts.json"
        password = _kept_password(path) or secrets.token_urlsafe(9)
        try:
            accounts = example.install(key=scenario, password=password, now=timezone.now())
            cascade_example.install(key=scenario, now=timezone.now())
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        path.parent.mkdir(parents=True, exist_ok=True)
        home.write_private(
            path,
            json.dumps(
                [
                    {
                        "email": account.email,
                        "password": password,
                        "role": account.role,
                        "team": account.team,
                    }
                    for account in accounts
                ],
                indent=1,
            ),
        )
        self.stdout.write(f"{scenario}: {len(accounts)} people; sign-ins are in {path}")


def _kept_password(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())[0]["password"])
    except (OSError, ValueError, LookupError):
        return ""
