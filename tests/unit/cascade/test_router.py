"""A router's chances, and its bytes: what was written is read, and nothing else."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from cascade.domain.hashing import DIMENSIONS, features
from cascade.domain.router import Platt, Router, blank, gain, p_right

HARD = "prove the theorem"
EASY = "where is my card"


def _router() -> Router:
    """Return one whose weak stage fails what looks like HARD; the strong one never does."""
    weights = np.zeros((2, DIMENSIONS), np.float32)
    weights[0, features(HARD).indices[24:]] = -1.5
    return Router(
        "7",
        ("haiku", "opus"),
        weights,
        np.array([1.0, 3.0], np.float32),
        (Platt(1.0, 0.0), Platt(1.0, 0.25)),
    )


def _sealed(data: bytes, body: bytes) -> bytes:
    """Return the data with another body and a check sum that fits it."""
    magic, version, size, _ = struct.unpack_from(">4sBII", data)
    return struct.pack(">4sBII", magic, version, size, zlib.crc32(body)) + body


def test_each_stage_has_its_own_chance() -> None:
    weak, strong = p_right(_router(), text=HARD)
    assert weak < 0.05
    assert strong == pytest.approx(1 / (1 + np.exp(-3.25)))


def test_what_only_the_strong_stage_gets_right_gains_most() -> None:
    router = _router()
    assert gain(router, text=HARD) > 0.9
    assert gain(router, text=HARD) > gain(router, text=EASY)


def test_a_prompt_that_both_stages_fail_gains_nothing() -> None:
    weights = np.zeros((2, DIMENSIONS), np.float32)
    weights[:, features(HARD).indices[24:]] = -10
    same = Router(
        "1", ("a", "b"), weights, np.zeros(2, np.float32), (Platt(1.0, 0.0), Platt(1.0, 0.1))
    )
    assert gain(same, text=HARD) == pytest.approx(0, abs=1e-3)


def test_written_and_read_it_gives_the_same_chances() -> None:
    router = _router()
    again = Router.from_bytes(router.to_bytes())
    assert (again.version, again.stages) == ("7", ("haiku", "opus"))
    assert again.calibration == router.calibration
    for text in (HARD, EASY, "", "x" * 20_000):
        assert p_right(again, text=text) == pytest.approx(p_right(router, text=text), abs=1e-3)


def test_its_bytes_are_small_and_always_the_same() -> None:
    assert _router().to_bytes() == _router().to_bytes()
    full = Router(
        "1",
        ("a",),
        np.random.default_rng(0).normal(size=(1, DIMENSIONS)).astype(np.float32),
        np.zeros(1, np.float32),
        (Platt(1.0, 0.0),),
    )
    assert len(full.to_bytes()) < 2.1 * DIMENSIONS


@pytest.mark.parametrize("data", [b"", b"SLW", b"\x80\x04 a pickle", b"PK\x03\x04" * 10])
def test_bytes_of_something_else_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no router"):
        Router.from_bytes(data)


def test_every_flipped_bit_is_noticed() -> None:
    data = _router().to_bytes()
    for place in range(0, len(data), max(1, len(data) // 200)):
        bad = bytearray(data)
        bad[place] ^= 0x10
        with pytest.raises(ValueError, match="router"):
            Router.from_bytes(bytes(bad))


def test_a_router_cut_short_is_refused() -> None:
    data = _router().to_bytes()
    for size in (len(data) - 1, len(data) // 2, 14, 13):
        with pytest.raises(ValueError, match="router"):
            Router.from_bytes(data[:size])


def test_a_router_of_a_later_format_is_named_as_such() -> None:
    data = bytearray(_router().to_bytes())
    data[4] = 9
    with pytest.raises(ValueError, match="format 9; this release reads format 1"):
        Router.from_bytes(bytes(data))


def test_a_router_of_other_features_asks_to_be_trained_again() -> None:
    data = _router().to_bytes()
    body = data[13:].replace(str(DIMENSIONS).encode(), b"9" * len(str(DIMENSIONS)), 1)
    with pytest.raises(ValueError, match="Train it again"):
        Router.from_bytes(_sealed(data, body))


def test_weights_that_unpack_to_gigabytes_are_refused_without_unpacking_them() -> None:
    data = _router().to_bytes()
    size = struct.unpack_from(">4sBII", data)[2]
    bomb = zlib.compress(bytes(50_000_000), 9)
    with pytest.raises(ValueError, match="weights are"):
        Router.from_bytes(_sealed(data, data[13 : 13 + size] + bomb))


def test_weights_that_are_not_numbers_are_refused() -> None:
    data = _router().to_bytes()
    size = struct.unpack_from(">4sBII", data)[2]
    wrong = zlib.compress(np.full(2 * DIMENSIONS, np.nan, "<f2").tobytes())
    with pytest.raises(ValueError, match="not a number"):
        Router.from_bytes(_sealed(data, data[13 : 13 + size] + wrong))


def test_a_calibration_that_is_not_a_number_is_refused() -> None:
    data = _router().to_bytes()
    size = struct.unpack_from(">4sBII", data)[2]
    head = data[13 : 13 + size].replace(b"[1.0,0.0]", b"[NaN,0.0]")
    with pytest.raises(ValueError, match="not a number"):
        Router.from_bytes(_sealed(data, head + data[13 + size :]))


def test_weights_that_do_not_fit_their_stages_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit its 2 stages"):
        Router(
            "1",
            ("a", "b"),
            np.zeros((1, DIMENSIONS), np.float32),
            np.zeros(2, np.float32),
            (Platt(1.0, 0.0),) * 2,
        )


def test_a_blank_router_says_the_base_rate_of_each_stage_for_any_prompt() -> None:
    router = blank("0", rates={"haiku": 0.7, "opus": 0.9})
    assert p_right(router, text=HARD) == pytest.approx((0.7, 0.9))
    assert p_right(router, text="") == pytest.approx((0.7, 0.9))


@pytest.mark.parametrize("score", [-1e9, 1e9, 0.0])
def test_a_chance_is_never_quite_0_or_1(score: float) -> None:
    assert 0 < Platt(1.0, 0.0).chance(score) < 1
