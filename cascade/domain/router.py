"""Say before any call how likely each stage answers a prompt right: a linear model, as data."""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade.domain.hashing import DIMENSIONS, Read, features

MAX_STAGES = 16

_MAGIC = b"SLWR"
_FORMAT = 1
_HEAD = struct.Struct(">4sBII")
_FAR = 30.0


@dataclass(frozen=True, slots=True)
class Platt:
    """How a raw score becomes a chance: 1 / (1 + exp(-(slope * score + offset)))."""

    slope: float
    offset: float

    def chance(self, score: float) -> float:
        """Return the chance of a raw score, always strictly between 0 and 1."""
        odds = max(-_FAR, min(_FAR, self.slope * score + self.offset))
        return 1.0 / (1.0 + math.exp(-odds))


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """One linear score per stage: `weights` [stages x DIMENSIONS], a bias, and its calibration.

    `stages` are the names (or model keys) it was trained for, the cheapest first.
    """

    version: str
    stages: tuple[str, ...]
    weights: NDArray[np.float32]
    biases: NDArray[np.float32]
    calibration: tuple[Platt, ...]

    def __post_init__(self) -> None:
        """Raise ValueError when the shapes do not fit together."""
        count = len(self.stages)
        if not 1 <= count <= MAX_STAGES:
            message = f"A router scores 1 to {MAX_STAGES} stages, not {count}."
            raise ValueError(message)
        shapes = (self.weights.shape, self.biases.shape, len(self.calibration))
        if shapes != ((count, DIMENSIONS), (count,), count):
            message = f"The router's weights do not fit its {count} stages: {shapes}."
            raise ValueError(message)

    def to_bytes(self) -> bytes:
        """Return it compact (weights in half precision) and checked by CRC-32."""
        named = {
            "version": self.version,
            "stages": self.stages,
            "dimensions": DIMENSIONS,
            "biases": self.biases.tolist(),
            "calibration": [[one.slope, one.offset] for one in self.calibration],
        }
        head = json.dumps(named, separators=(",", ":")).encode()
        body = head + zlib.compress(self.weights.astype("<f2").tobytes(), 6)
        return _HEAD.pack(_MAGIC, _FORMAT, len(head), zlib.crc32(body)) + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Router:
        """Read what `to_bytes` wrote. Raises ValueError with a sentence on anything else."""
        head, packed = _parts(data)
        try:
            named = json.loads(head)
            stages = tuple(str(name) for name in named["stages"])
            calibration = tuple(
                Platt(float(slope), float(offset)) for slope, offset in named["calibration"]
            )
            biases = np.array(named["biases"], np.float32)
            version = str(named["version"])
            dimensions = int(named["dimensions"])
        except (ValueError, KeyError, TypeError) as error:
            message = f"The router's head cannot be read: {error}."
            raise ValueError(message) from error
        _same_features(dimensions)
        _all_numbers(biases, *((one.slope, one.offset) for one in calibration))
        weights = _weights(packed, stages=len(stages))
        return cls(version, stages, weights, biases, calibration)


def p_right(router: Router, *, text: str, read: Read = features) -> tuple[float, ...]:
    """Return P(right) of each stage for a prompt, in the order of `router.stages`."""
    found = read(text)
    scores = router.weights.take(found.indices, axis=1) @ found.values + router.biases
    return tuple(
        calibration.chance(score)
        for calibration, score in zip(router.calibration, scores.tolist(), strict=True)
    )


def gain(router: Router, *, text: str, weak: int = 0, strong: int = -1) -> float:
    """Return P(strong right) - P(weak right): low where both fail, so nobody pays for nothing."""
    chances = p_right(router, text=text)
    return chances[strong] - chances[weak]


def _parts(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < _HEAD.size or data[: len(_MAGIC)] != _MAGIC:
        message = "These bytes are no router: they do not start as one."
        raise ValueError(message)
    _, version, size, check = _HEAD.unpack_from(data)
    if version != _FORMAT:
        message = f"This router has format {version}; this release reads format {_FORMAT}."
        raise ValueError(message)
    body = data[_HEAD.size :]
    if zlib.crc32(body) != check or size > len(body):
        message = "This router is damaged: its check sum does not fit. Publish it again."
        raise ValueError(message)
    return body[:size], body[size:]


def _same_features(dimensions: int) -> None:
    if dimensions != DIMENSIONS:
        message = (
            f"This router was trained on {dimensions} features; this release computes "
            f"{DIMENSIONS}. Train it again."
        )
        raise ValueError(message)


def _weights(packed: bytes, *, stages: int) -> NDArray[np.float32]:
    """Unpack no more than the weights can be, whatever the bytes claim."""
    if not 1 <= stages <= MAX_STAGES:
        message = f"A router scores 1 to {MAX_STAGES} stages, not {stages}."
        raise ValueError(message)
    size = stages * DIMENSIONS * 2
    try:
        raw = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error as error:
        message = f"The router's weights cannot be unpacked: {error}."
        raise ValueError(message) from error
    if len(raw) != size:
        message = f"The router's weights are {len(raw)} bytes instead of {size}."
        raise ValueError(message)
    weights = np.frombuffer(raw, "<f2").astype(np.float32).reshape(stages, DIMENSIONS)
    _all_numbers(weights)
    return weights


def _all_numbers(*given: ArrayLike) -> None:
    if not all(np.isfinite(one).all() for one in given):
        message = "The router's weights hold something that is not a number."
        raise ValueError(message)


def blank(version: str, *, rates: dict[str, float]) -> Router:
    """Return a router that knows base rates only: the same chances for every prompt."""
    return Router(
        version=version,
        stages=tuple(rates),
        weights=np.zeros((len(rates), DIMENSIONS), np.float32),
        biases=np.zeros(len(rates), np.float32),
        calibration=tuple(Platt(0.0, math.log(rate / (1 - rate))) for rate in rates.values()),
    )
