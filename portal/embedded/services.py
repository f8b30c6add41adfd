"""The processes of one installation, and the environment they share."""

from __future__ import annotations

import hashlib
import http.client
import json
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded import postgres, valkey
from portal.embedded.home import ROOT, Home, forget_real_credentials, secret_key
from portal.embedded.supervisor import Service

DATABASE = "slipway"
SANDBOX_REGION = "us-east-1"
SANDBOX_SEED = "7"
WEB_THREADS = 8
WORKER_PROCESSES = 4
# What a change of must run again: the schema, and the example with its price lists.
SCHEMA = ("*/migrations/*.py", "requirements/run.txt")
EXAMPLE = (
    *("*/management/commands/seed.py", "deployments/data/*.json", "cascade/data/*.json"),
    "billing/data/prices/*.json",
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person who starts Slipway decided. `seed` is a scenario's name, or empty."""

    host: str
    ports: Mapping[str, int]
    seed: str
    is_real_aws: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The services to run and the environment they (and other commands) get."""

    services: tuple[Service, ...]
    environment: Mapping[str, str]
    shared: Mapping[str, str]


def plan(*, home: Home, choices: Choices, environ: Mapping[str, str]) -> Plan:
    """Return what to run: embedded servers only for what no variable points at already.

    Raises portal.embedded.children.Unusable when a server cannot run here.
    """
    shared: dict[str, str] = {
        "SLIPWAY_HOME": str(home.folder),
        "SECRET_KEY": environ.get("SECRET_KEY") or secret_key(home),
        "PUBLIC_URL": environ.get("PUBLIC_URL") or f"http://127.0.0.1:{choices.ports['web']}",
        "GATEWAY_URL": environ.get("GATEWAY_URL") or f"http://127.0.0.1:{choices.ports['gateway']}",
    }
    services = [
        *_database(home, environ, shared),
        *_broker(home, environ, shared),
        *_cloud(home, choices, environ, shared),
    ]
    environment = {**environ, **shared}
    if "AWS_ENDPOINT_URL" in shared:
        forget_real_credentials(environment)
    _keep_bytecode(home, environment)
    services += _preparation(home, choices, environment)
    services += [_web(home, choices, environment), _worker(home), _beat(home)]
    services += _gateway(home, choices, environ, shared)
    return Plan(services=tuple(services), environment=environment, shared=shared)


def _database(home: Home, environ: Mapping[str, str], shared: dict[str, str]) -> list[Service]:
    if environ.get("DATABASE_URL"):
        return []
    cluster = postgres.prepare(data=home.folder / "postgres")
    shared["DATABASE_URL"] = cluster.url(database=DATABASE)
    return [
        Service(
            name="postgres",
            command=postgres.command(cluster),
            is_ready=lambda: postgres.is_ready(cluster),
            on_ready=lambda: postgres.ensure_database(cluster, name=DATABASE),
            is_essential=True,
            stops=2,
            stop_signal=signal.SIGINT,
            stop_within_s=8,
            last_signal=signal.SIGQUIT,
        )
    ]


def _broker(home: Home, environ: Mapping[str, str], shared: dict[str, str]) -> list[Service]:
    if environ.get("BROKER_URL"):
        return []
    store = valkey.prepare(data=home.folder / "valkey")
    shared["BROKER_URL"] = store.broker_url
    if not environ.get("CACHE_URL"):
        shared["CACHE_URL"] = store.cache_url
    if not environ.get("CASCADE_URL"):
        shared["CASCADE_URL"] = store.cascade_url
    return [
        Service(
            name="valkey",
            command=valkey.command(store),
            is_ready=lambda: valkey.is_ready(store),
            stops=2,
        )
    ]


def _cloud(
    home: Home, choices: Choices, environ: Mapping[str, str], shared: dict[str, str]
) -> list[Service]:
    if choices.is_real_aws or environ.get("AWS_ENDPOINT_URL"):
        return []
    port = choices.ports["sandbox"]
    shared |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": SANDBOX_REGION,
        "AWS_DEFAULT_REGION": SANDBOX_REGION,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    state = home.folder / "sandbox"
    command = [sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(port)]
    return [
        Service(
            name="sandbox",
            command=[*command, "--state", state, "--seed", SANDBOX_SEED],
            is_ready=lambda: answers(port, "/sandbox/health"),
            stops=1,
        )
    ]


def _preparation(home: Home, choices: Choices, environment: Mapping[str, str]) -> list[Service]:
    database = environment["DATABASE_URL"]
    migrate = ["migrate", "--no-input", "--skip-checks"]
    tasks: list[tuple[str, list[str], tuple[str, ...], tuple[str, ...]]] = [
        ("migrate", migrate, SCHEMA, ("postgres",))
    ]
    if choices.seed:
        arguments = ["seed", "--scenario", choices.seed]
        tasks.append(("seed", arguments, EXAMPLE, ("migrate", "valkey")))
    return [
        _once(home, name, [sys.executable, ROOT / "manage.py", *arguments], needs, found)
        for name, arguments, globs, needs in tasks
        if (found := fingerprint(globs, words=(database, *arguments))) != _done(home, name)
    ]


def _once(
    home: Home, name: str, command: list[str | Path], needs: tuple[str, ...], found: str
) -> Service:
    return Service(
        name=name,
        command=command,
        needs=needs,
        is_ready=lambda: False,
        is_task=True,
        on_ready=lambda: _remember(home, name, found),
    )


def _done(home: Home, name: str) -> str:
    mark = home.mark(name)
    return mark.read_text() if mark.exists() else ""


def _remember(home: Home, name: str, found: str) -> None:
    home.mark(name).write_text(found)


def fingerprint(globs: Iterable[str], *, words: Iterable[str] = ()) -> str:
    """Return a digest of the project's files that match, and of some words."""
    digest = hashlib.sha256(json.dumps(list(words)).encode())
    for path in sorted(path for pattern in globs for path in ROOT.glob(pattern)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _web(home: Home, choices: Choices, environment: Mapping[str, str]) -> Service:
    port = choices.ports["web"]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", choices.host]
    command += ["--port", str(port), "--workers", "1", "--blocking-threads", str(WEB_THREADS)]
    command += ["--log-level", "warning", "--access-log", "portal.wsgi:application"]
    return Service(
        name="web",
        command=command,
        needs=("postgres", "valkey", "migrate", "seed"),
        is_ready=lambda: answers(port, "/health/live/"),
        environment=lambda: {"SIGN_IN_HINT": environment.get("SIGN_IN_HINT") or hint(home)},
    )


def _gateway(
    home: Home, choices: Choices, environ: Mapping[str, str], shared: Mapping[str, str]
) -> list[Service]:
    """Return the cascades' gateway; none where there is nowhere to count what it spends."""
    if not (environ.get("CASCADE_URL") or shared.get("CASCADE_URL")):
        return []
    port = choices.ports["gateway"]
    command = [sys.executable, "-m", "cascade.gateway", "--host", choices.host]
    command += ["--port", str(port)]
    kept = home.folder / "gateway-snapshot.json"
    return [
        Service(
            name="gateway",
            command=command,
            needs=("valkey", "migrate", "seed"),
            is_ready=lambda: answers(port, "/livez"),
            environment=lambda: {"GATEWAY_SNAPSHOT_FILE": str(kept)},
            stop_within_s=25,
        )
    ]


def _worker(home: Home) -> Service:
    mark = home.mark("worker-ready")
    # A heartbeat would ask for the broker for ever when both must stop at once.
    alone = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    options = ["--concurrency", str(WORKER_PROCESSES), *alone]
    return Service(
        name="worker",
        command=[*_celery("worker"), *options, "--loglevel", "INFO"],
        needs=("postgres", "valkey", "migrate", "seed"),
        is_ready=mark.exists,
        mark=mark,
        environment=lambda: {"SLIPWAY_READY_FILE": str(mark)},
        # Celery's soft shutdown: what runs gets CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT to end.
        stop_signal=signal.SIGQUIT,
    )


def _beat(home: Home) -> Service:
    mark = home.mark("beat-ready")
    return Service(
        name="beat",
        command=[*_celery("beat"), "--schedule", home.folder / "beat", "--pidfile", ""],
        needs=("postgres", "valkey", "migrate", "seed"),
        is_ready=mark.exists,
        mark=mark,
        environment=lambda: {"SLIPWAY_READY_FILE": str(mark)},
    )


def _celery(role: str) -> list[str | Path]:
    return [sys.executable, "-m", "celery", "--app", "portal.celery:app", role]


def _keep_bytecode(home: Home, environment: dict[str, str]) -> None:
    """Keep compiled files in the data folder where they may not lie beside the sources."""
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        environment.setdefault("PYTHONPYCACHEPREFIX", str(home.folder / "bytecode"))
    environment["PYTHONUNBUFFERED"] = "1"


def accounts(home: Home) -> list[dict[str, str]]:
    """Return the example people that `seed` wrote down: email, password, role, team."""
    try:
        return list(json.loads((home.folder / "accounts.json").read_text()))
    except (OSError, ValueError):
        return []


def hint(home: Home) -> str:
    """Return the line under the sign-in form of the example organisation."""
    for person in accounts(home):
        return f"{person['email']} / {person['password']}"
    return ""


def answers(port: int, path: str) -> bool:
    """Say whether a server on this machine answers a GET, and not with a failure of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
