"""Where the state survives: one file per part, written soon after each change, atomically."""

import contextlib
import fcntl
import io
import json
import logging
import os
import pickle
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BaseBackend

from sandbox import runtime, state

MOTO_SERVICES = ("cloudwatch", "iam", "lambda", "logs", "s3")
PARTS = ("control", "runtime", *(f"moto-{service}" for service in MOTO_SERVICES))
_PAUSE_SECONDS = 0.05
_PAUSE_PER_SAVING_SECOND = 10
_log = logging.getLogger(__name__)


class _Pickler(pickle.Pickler):
    """Pickles one backend of moto; other backends are named, not copied."""

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, BaseBackend):
            service = type(value).__module__.split(".")[1]
            return (service, value.account_id, value.region_name)
        return None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, weakref.WeakValueDictionary):
            return (weakref.WeakValueDictionary, (dict(value),))
        if isinstance(value, defaultdict) and _makes_empty_dicts(value):
            return (defaultdict, (dict,), None, None, iter(value.items()))
        return NotImplemented


def _makes_empty_dicts(value: defaultdict[Any, Any]) -> bool:
    factory = value.default_factory
    return getattr(factory, "__name__", "") == "<lambda>" and factory() == {}


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        service, account_id, region = pid
        name = "lambda" if service == "awslambda" else service
        return get_backend(name)[account_id][region]


class Store:
    """Writes the parts that have changed, in a thread of its own, and reads them at the start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def load(self) -> None:
        """Read every part that was written in an earlier life; raises ValueError if unreadable."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            path = self._path(part)
            if not path.exists():
                continue
            try:
                _READERS[part](path.read_bytes())
            except Exception as broken:
                raise ValueError(f"{path} cannot be read; move it away to start anew") from broken

    def start(self) -> None:
        """Begin to write changes."""
        self._thread.start()

    def touch(self, part: str) -> None:
        """Say that a part has changed."""
        with self._lock:
            self._changed.add(part)
        self._wake.set()

    def stop(self) -> None:
        """Write what is not yet written, and end."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout=1)
        self.write_changes()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            begun = time.monotonic()
            self.write_changes()
            spent = time.monotonic() - begun
            self._stopped.wait(min(1.0, _PAUSE_SECONDS + spent * _PAUSE_PER_SAVING_SECOND))

    def write_changes(self) -> None:
        """Write every changed part; a part that changed meanwhile is written again later."""
        with self._writing:
            with self._lock:
                parts, self._changed = self._changed, set()
            for part in sorted(parts):
                try:
                    self._write(part)
                except RuntimeError:
                    self.touch(part)
                except Exception:
                    _log.exception("%s could not be written", part)

    def _write(self, part: str) -> None:
        with state.LOCK:
            content = _WRITERS[part]()
        path = self._path(part)
        draft = path.with_suffix(".new")
        draft.write_bytes(content)
        os.replace(draft, path)

    def _path(self, part: str) -> Path:
        return self._folder / f"{part}.{'json' if part in ('control', 'runtime') else 'pickle'}"


def forget_moto() -> None:
    """Empty the backends of moto."""
    for service in MOTO_SERVICES:
        for account in list(get_backend(service).values()):
            for backend in list(account.values()):
                backend.reset()


def _dump_moto(service: str) -> bytes:
    kept = {}
    for account_id, regions in get_backend(service).items():
        for region, backend in regions.items():
            buffer = io.BytesIO()
            _Pickler(buffer).dump(dict(backend.__dict__))
            kept[account_id, region] = buffer.getvalue()
    return pickle.dumps(kept)


def _load_moto(service: str, content: bytes) -> None:
    for (account_id, region), held in pickle.loads(content).items():
        backend = get_backend(service)[account_id][region]
        backend.__dict__.update(_Unpickler(io.BytesIO(held)).load())


def _writer(service: str) -> Callable[[], bytes]:
    return lambda: _dump_moto(service)


def _reader(service: str) -> Callable[[bytes], None]:
    return lambda content: _load_moto(service, content)


_WRITERS: dict[str, Callable[[], bytes]] = {
    "control": lambda: json.dumps(state.dump()).encode(),
    "runtime": lambda: json.dumps(runtime.save()).encode(),
    **{f"moto-{service}": _writer(service) for service in MOTO_SERVICES},
}
_READERS: dict[str, Callable[[bytes], None]] = {
    "control": lambda content: state.restore(json.loads(content)),
    "runtime": lambda content: runtime.load(json.loads(content)),
    **{f"moto-{service}": _reader(service) for service in MOTO_SERVICES},
}


@contextlib.contextmanager
def folder_lock(folder: Path) -> Any:
    """Hold the folder for this process; raises BlockingIOError when another one has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
