"""Child processes that die with their parent, and the places their sockets can live."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

# sun_path holds 108 bytes with its closing zero (unix(7)).
LONGEST_SOCKET_PATH_BYTES = 107


class Unusable(RuntimeError):
    """A server cannot be started here; the message says what to do."""


def tied(command: Sequence[str | Path], *, dies_by: signal.Signals) -> list[str]:
    """Return the command so that the kernel sends `dies_by` when the thread that starts it ends.

    `setpriv` does it instead of a preexec_fn, which is unsafe once this process has threads.
    """
    words = [str(word) for word in command]
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return words
    return [setpriv, "--pdeathsig", dies_by.name.removeprefix("SIG"), "--", *words]


def socket_folder(*, wanted: Path, longest_name: str) -> Path:
    """Return a private folder for sockets: `wanted`, or a short one when the path is too long.

    Raises Unusable when the short folder exists and belongs to somebody else.
    """
    if len(os.fsencode(wanted / longest_name)) <= LONGEST_SOCKET_PATH_BYTES:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"slipway-{digest}"
    if len(os.fsencode(short / longest_name)) > LONGEST_SOCKET_PATH_BYTES:
        short = Path("/tmp") / short.name  # noqa: S108 - the name is checked below
    short.mkdir(mode=0o700, exist_ok=True)
    seen = short.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
        raise Unusable(f"{short} is not a private folder of this user. Remove it and try again.")
    return short


def is_listening(path: Path) -> bool:
    """Say whether somebody accepts connections on a unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
