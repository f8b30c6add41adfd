"""The data folder of one installation: its lock, its secret key, its ports, its environment."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Collection, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
PREFERRED_PORTS = {"web": 8000, "sandbox": 8100, "gateway": 8200}
PORTS_TRIED = 100
WITHOUT_INSTALLATION = ("up", "reset")
# With the sandbox, no real key may leave this machine by accident.
REAL_CREDENTIALS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_CONFIG_FILE")


class Refused(RuntimeError):
    """Slipway cannot start here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """One data folder; everything Slipway keeps on this machine is inside it."""

    folder: Path

    @property
    def logs(self) -> Path:
        """Return the folder of the full logs, one file for each process."""
        return self.folder / "logs"

    @property
    def environment_file(self) -> Path:
        """Return where the running installation's environment is kept for other commands."""
        return self.folder / "environment.json"

    def mark(self, name: str) -> Path:
        """Return the path of a small file that says something is ready, or was done."""
        return self.folder / "marks" / name


def find(*, environ: Mapping[str, str]) -> Home:
    """Return the home named by SLIPWAY_HOME, or `var` in the project."""
    return Home(folder=Path(environ.get("SLIPWAY_HOME") or ROOT / "var").absolute())


def make(home: Home) -> None:
    """Create the folders, private to this user whatever the umask. Raises Refused."""
    try:
        for folder in (home.folder, home.logs, home.mark("x").parent):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
    except OSError as error:
        raise Refused(
            f"The data folder {home.folder} cannot be used ({error.strerror}). "
            "Set SLIPWAY_HOME to a folder you may write to."
        ) from error


def lock(home: Home) -> IO[str]:
    """Return the held lock; keep it while running.

    Raises Refused when another process has it.
    """
    path = home.folder / "lock"
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = path.read_text().strip() or "an unknown process"
        handle.close()
        raise Refused(
            f"Slipway already runs with the data folder {home.folder}: {holder}. "
            "Stop it first, or set SLIPWAY_HOME to another folder."
        ) from error
    write_holder(handle, f"process {os.getpid()}, starting")
    return handle


def write_holder(handle: IO[str], words: str) -> None:
    """Say in the lock file who holds it and where it answers."""
    handle.seek(0)
    handle.truncate()
    handle.write(words)
    handle.flush()


def empty(home: Home) -> None:
    """Remove everything in the folder but the lock, which the caller holds.

    Raises Refused when the folder is not one that Slipway made.
    """
    if not (home.folder / "secret_key").exists():
        raise Refused(f"{home.folder} does not look like Slipway's data folder; it is left alone.")
    for path in home.folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by this user alone."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
    fresh.replace(path)


def secret_key(home: Home) -> str:
    """Return this installation's secret key, made once."""
    path = home.folder / "secret_key"
    with suppress(FileNotFoundError):
        if kept := path.read_text().strip():
            return kept
    key = secrets.token_urlsafe(60)
    write_private(path, key)
    return key


def ports(home: Home, *, wanted_web: int | None = None) -> dict[str, int]:
    """Return free TCP ports of this machine: those of last time, or the next ones.

    Raises Refused when `wanted_web` is taken, or nothing is free.
    """
    path = home.folder / "ports.json"
    preferred = {**PREFERRED_PORTS, **_remembered(path)}
    if wanted_web is not None and not is_free(wanted_web):
        raise Refused(f"Port {wanted_web} is in use. Choose another with --port, or leave it out.")
    chosen = {"web": wanted_web or _next_free(preferred["web"])}
    for name in ("sandbox", "gateway"):
        chosen[name] = _next_free(preferred[name], taken=set(chosen.values()))
    write_private(path, json.dumps(chosen))
    return chosen


def _remembered(path: Path) -> dict[str, int]:
    kept = {name: str(port) for name, port in _kept(path).items() if name in PREFERRED_PORTS}
    return {name: int(port) for name, port in kept.items() if port.isdigit() and int(port) < 65_000}


def _next_free(first: int, *, taken: Collection[int] = ()) -> int:
    for port in range(first, first + PORTS_TRIED):
        if port not in taken and is_free(port):
            return port
    raise Refused(f"No free TCP port from {first} to {first + PORTS_TRIED}. Choose with --port.")


def is_free(port: int) -> bool:
    """Say whether a TCP port of the loopback interface can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def keep_environment(home: Home, environment: Mapping[str, str]) -> None:
    """Write down the running installation's environment, for other commands."""
    write_private(home.environment_file, json.dumps(dict(environment), indent=1))


def load_environment(environ: MutableMapping[str, str], *, command: str) -> None:
    """Let a command of manage.py find the installation that `up` made, unless told otherwise.

    Variables that are set win; those of AWS come together, so that a real key never meets the
    sandbox nor a dummy key AWS. `up` and `reset` only need a secret key.
    """
    home = find(environ=environ)
    if command in WITHOUT_INSTALLATION:
        if not environ.get("SECRET_KEY"):
            make(home)
            environ["SECRET_KEY"] = secret_key(home)
        return
    kept = _kept(home.environment_file)
    own_aws = environ.get("AWS_ENDPOINT_URL") is not None
    for name, value in kept.items():
        if name.startswith("AWS_"):
            if not own_aws:
                environ[name] = value
        elif not environ.get(name):
            environ[name] = value
    if kept.get("AWS_ENDPOINT_URL") and not own_aws:
        forget_real_credentials(environ)


def _kept(path: Path) -> dict[str, Any]:
    """Return a small file's JSON object; nothing when it is missing or damaged."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def forget_real_credentials(environ: MutableMapping[str, str]) -> None:
    """Remove what would make boto3 use an account of AWS."""
    for name in REAL_CREDENTIALS:
        environ.pop(name, None)
