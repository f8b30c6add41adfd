"""Derive deployments/data/traffic.json from a trace of requests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.adapters import traffic

_ABOUT = "How the conversation load arrives: figures measured on the trace, none of its rows."


class Command(BaseCommand):
    """Measure a trace (TIMESTAMP, ContextTokens, GeneratedTokens; .csv or .csv.gz)."""

    help = "Derive the shape of load in deployments/data/traffic.json from a trace file."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the trace and where it is from."""
        parser.add_argument("trace", type=Path, help="a .csv or .csv.gz file")
        parser.add_argument("--source", required=True, help="repository and commit, or a URL")
        parser.add_argument("--licence", required=True, help="e.g. CC BY 4.0")
        parser.add_argument("--as-of", required=True, help="the day of the trace, YYYY-MM-DD")
        parser.add_argument("--out", type=Path, default=traffic.DATA)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file; a trace that cannot be used is refused with its line."""
        trace: Path = options["trace"]
        try:
            content = trace.read_bytes()
            shape = traffic.shape_of_csv(content)
        except (OSError, ValueError) as wrong:
            raise CommandError(f"{trace.name}: {wrong}") from wrong
        origin = {
            "about": _ABOUT,
            "source": f"derived from {trace.name}, {options['source']}",
            "licence": options["licence"],
            "as_of": options["as_of"],
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        options["out"].write_text(json.dumps(origin | shape, indent=1) + "\n")
        self.stdout.write(f"{options['out'].name} is derived from {trace.name}")
