"""A throwaway PostgreSQL, Django upon it, and what machine this is."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection, connections

from portal.embedded import postgres

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60
# Nothing but the database: no broker, no AWS, and no rate limit on the one who measures.
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "portal.settings",
    "SECRET_KEY": "only-for-benchmarks-and-never-anywhere-else-0123456789",
    "BROKER_URL": "memory://",
    "CACHE_URL": "",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "DEBUG": "False",
    "API_RATE": "1000000/min",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "sandbox",
    "AWS_SECRET_ACCESS_KEY": "sandbox",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def installation() -> Iterator[None]:
    """Run a throwaway PostgreSQL with Slipway's schema; models may be imported inside.

    Its settings are those of `make run`, except that nothing waits for the disk.
    """
    home = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    cluster = postgres.prepare(data=home / "postgres", is_throwaway=True)
    os.environ.update(ENVIRONMENT)
    os.environ["SLIPWAY_HOME"] = str(home)
    os.environ["DATABASE_URL"] = cluster.url(database="slipway")
    with (home / "postgres.log").open("wb") as log:
        server = subprocess.Popen(
            postgres.command(cluster),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(cluster, server)
        postgres.ensure_database(cluster, name="slipway")
        django.setup()
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        yield
        connections.close_all()
    finally:
        _stop(server)
        shutil.rmtree(home, ignore_errors=True)


def _wait(cluster: postgres.Cluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not postgres.is_ready(cluster):
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("PostgreSQL did not start.")
        time.sleep(0.05)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=10)


def machine() -> str:
    """Return what this is measured on: cores, memory, versions, commit."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{len(os.sched_getaffinity(0))} cores ({_processor()})",
        f"{memory_gib:.0f} GiB memory",
        f"load {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}",
        f"commit {_commit()}",
    ]
    return ", ".join(parts)


def database() -> str:
    """Return the version of the running PostgreSQL and how large the database is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version(), pg_size_pretty(pg_database_size(current_database()))")
        version, size = cursor.fetchone()
    return f"{' '.join(version.split()[:2])}, {size}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    found = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"
