"""The scripts that run inside Valkey, each whole or not at all, and the words they are given."""

from __future__ import annotations

from pathlib import Path

from cascade.domain.scopes import Hold

FOLDER = Path(__file__).with_name("lua")
STREAM = "cascade:events"
BUILT = "cascade:built"
# As many expired holds as one run of the sweep books; between two runs others get their turn.
A_SWEEP = 200
KEEP_MONTH_S = 62 * 86_400


def text(name: str) -> str:
    """Return a script with what every script begins with."""
    return (FOLDER / "prelude.lua").read_text() + (FOLDER / f"{name}.lua").read_text()


def milliseconds(now_s: float | None) -> str:
    """Return a moment for a script; empty, the server's own clock, when none is given."""
    return "" if now_s is None else str(round(now_s * 1000))


def for_reserve(hold: Hold, *, now_s: float | None) -> list[str | int | bytes]:
    """Return the words of reserve.lua. Raises ValueError for what is no amount."""
    if not isinstance(hold.micro, int) or hold.micro < 0:
        raise ValueError(f"{hold.micro} is no whole number of micro-dollars from 0 on.")
    words: list[str | int | bytes] = [
        hold.hold_id,
        hold.micro,
        round(hold.expires_s * 1000),
        milliseconds(now_s),
        hold.on_loss,
    ]
    for scope in hold.scopes:
        words += [scope.name, "" if scope.limit_micro is None else scope.limit_micro]
    return words


def spent_key(month: str) -> str:
    """Return the key of what was spent in a month."""
    return f"cascade:spent:{month}"


def held_key(month: str) -> str:
    """Return the key of what is held in a month."""
    return f"cascade:held:{month}"


def other_key(month: str) -> str:
    """Return the key of what all that is no cascade costs in a month."""
    return f"cascade:other:{month}"
