"""The command that derives the shape of load from a trace file."""

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deployments.domain import traffic

WHERE = {"source": "a test", "licence": "CC0", "as_of": "2026-11-20"}


def write(path: Path, *, rows: int = 200, first: str = "10") -> Path:
    start = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    with gzip.open(path, "wt", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(traffic.COLUMNS)
        lines.writerow([start.isoformat(), first, 5])
        for number in range(1, rows):
            moment = start + timedelta(seconds=number)
            lines.writerow([moment.isoformat(), 10 + number, 5 + number % 9])
    return path


def test_a_trace_becomes_a_shape_with_its_origin(tmp_path):
    trace, out = write(tmp_path / "trace.csv.gz"), tmp_path / "traffic.json"
    call_command("derive_traffic", trace, out=out, **WHERE)
    row = json.loads(out.read_text())

    assert traffic.shape_from(row).minute_rates == (1.0, 1.0, 1.0)
    assert row["source"] == "derived from trace.csv.gz, a test"
    assert (row["licence"], row["as_of"], len(row["sha256"])) == ("CC0", "2026-11-20", 64)


def test_a_trace_that_cannot_be_used_changes_nothing(tmp_path):
    trace, out = write(tmp_path / "trace.csv.gz", first="ten"), tmp_path / "traffic.json"

    with pytest.raises(CommandError, match=r"trace\.csv\.gz: Line 2: ContextTokens 'ten'"):
        call_command("derive_traffic", trace, out=out, **WHERE)
    assert not out.exists()


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"nowhere\.csv"):
        call_command("derive_traffic", tmp_path / "nowhere.csv", **WHERE)
