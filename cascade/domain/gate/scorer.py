"""A trained scorer of answers, as data: P(right) from prompt, answer and findings."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.domain.gate.findings import Finding
from cascade.domain.gate.signs import COLUMNS, VERSION, hashed
from cascade.domain.hashing import Read, features
from cascade.domain.request import Answer, Chat
from cascade.domain.router import Platt

_MAGIC = b"SLWG"
_FORMAT = 1
_HEAD = struct.Struct(">4sBII")


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """Log-odds = weights [COLUMNS] . row + bias, and the calibration that makes them a chance."""

    version: str
    weights: NDArray[np.float32]
    bias: float
    calibration: Platt

    def __post_init__(self) -> None:
        """Raise ValueError when weights are missing or no numbers."""
        if self.weights.shape != (COLUMNS,):
            message = f"A scorer has {COLUMNS} weights, not {self.weights.shape}."
            raise ValueError(message)
        numbers = (self.bias, self.calibration.slope, self.calibration.offset)
        if not (np.isfinite(self.weights).all() and all(map(math.isfinite, numbers))):
            message = "The scorer's weights hold something that is not a number."
            raise ValueError(message)

    def to_bytes(self) -> bytes:
        """Return it compact (weights in half precision) and checked by CRC-32."""
        named = {
            "version": self.version,
            "signs": VERSION,
            "columns": COLUMNS,
            "bias": self.bias,
            "calibration": [self.calibration.slope, self.calibration.offset],
        }
        head = json.dumps(named, separators=(",", ":")).encode()
        body = head + zlib.compress(self.weights.astype("<f2").tobytes(), 6)
        return _HEAD.pack(_MAGIC, _FORMAT, len(head), zlib.crc32(body)) + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Scorer:
        """Read what `to_bytes` wrote. Raises ValueError with a sentence on anything else."""
        head, packed = _parts(data)
        try:
            named = json.loads(head)
            slope, offset = (float(one) for one in named["calibration"])
            version, bias = str(named["version"]), float(named["bias"])
            signs = (int(named["signs"]), int(named["columns"]))
        except (ValueError, KeyError, TypeError) as error:
            message = f"The scorer's head cannot be read: {error}."
            raise ValueError(message) from error
        if signs != (VERSION, COLUMNS):
            message = "This scorer was trained on other features than this release's. Train again."
            raise ValueError(message)
        return cls(version, _unpacked(packed), bias, Platt(slope, offset))


def chance(
    scorer: Scorer,
    chat: Chat,
    answer: Answer,
    *,
    findings: Sequence[Finding] | None = None,
    read: Read = features,
) -> float:
    """Return P(right) of an answer; findings are looked for when they are not given."""
    row = hashed(chat, answer, findings=findings, read=read)
    raw = float(scorer.weights.take(row.indices) @ row.values) + scorer.bias
    return scorer.calibration.chance(raw)


def _parts(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < _HEAD.size or data[: len(_MAGIC)] != _MAGIC:
        message = "These bytes are no scorer: they do not start as one."
        raise ValueError(message)
    _, version, size, check = _HEAD.unpack_from(data)
    if version != _FORMAT:
        message = f"This scorer has format {version}; this release reads format {_FORMAT}."
        raise ValueError(message)
    body = data[_HEAD.size :]
    if zlib.crc32(body) != check or size > len(body):
        message = "This scorer is damaged: its check sum does not fit. Publish it again."
        raise ValueError(message)
    return body[:size], body[size:]


def _unpacked(packed: bytes) -> NDArray[np.float32]:
    """Unpack no more than the weights can be, whatever the bytes claim."""
    size = COLUMNS * 2
    try:
        raw = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error as error:
        message = f"The scorer's weights cannot be unpacked: {error}."
        raise ValueError(message) from error
    if len(raw) != size:
        message = f"The scorer's weights are {len(raw)} bytes instead of {size}."
        raise ValueError(message)
    return np.frombuffer(raw, "<f2").astype(np.float32)
