"""`manage.py reset`: empty the data folder."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.embedded import home as homes


class Command(BaseCommand):
    """Remove what `up` keeps. Refused while it runs."""

    help = "Remove the data, logs and secret key of this installation."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        home = homes.find(environ=os.environ)
        try:
            homes.make(home)
            with homes.lock(home):
                homes.empty(home)
        except homes.Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{home.folder} is empty; `make run` starts afresh.")
