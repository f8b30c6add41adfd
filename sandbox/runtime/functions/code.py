"""The unpacked code of a function, one folder for each archive."""

import io
import shutil
import threading
import zipfile
from pathlib import Path

from sandbox import state

MAX_UNZIPPED_BYTES = 262_144_000
_lock = threading.Lock()


class BadArchive(Exception):
    """The code is no usable ZIP archive; the message is a sentence."""


def _all() -> Path:
    return state.directory().absolute() / "runtime" / "code"


def clear() -> None:
    """Remove every folder."""
    with _lock:
        shutil.rmtree(_all(), ignore_errors=True)


def folder(sha256: str, archive: bytes) -> Path:
    """Return the folder with the unpacked archive, unpacking it at first; raises BadArchive."""
    safe = "".join(c if c.isalnum() else "_" for c in sha256)
    target = _all() / safe
    with _lock:
        if not target.exists():
            _unpack(archive, target)
    return target


def _unpack(archive: bytes, target: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            if sum(item.file_size for item in packed.infolist()) > MAX_UNZIPPED_BYTES:
                raise BadArchive("The unzipped code is larger than 262144000 bytes.")
            partial = target.with_name(target.name + ".partial")
            partial.mkdir(parents=True, exist_ok=True)
            packed.extractall(partial)
            partial.rename(target)
    except zipfile.BadZipFile as broken:
        raise BadArchive("The function's code is not a valid ZIP archive.") from broken
