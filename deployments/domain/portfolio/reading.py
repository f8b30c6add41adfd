"""A wish for a portfolio out of what a person or a program wrote. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from deployments.domain.inputs import Reader, shown
from deployments.domain.portfolio.asking import Wish
from deployments.domain.portfolio.framing import MODEL_UNITS
from deployments.domain.portfolio.problem import Objective

MOST_USD = Decimal(10) ** 9
MOST_UNITS = 1_000_000
MOST_NAMES = 200
_INSTANCE = re.compile(r"(ml\.)?[a-z0-9][a-z0-9-]{0,20}\.[a-z0-9-]{1,20}")


class Unreadable(ValueError):
    """The input is no wish; `fields` maps each input to the sentence about it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("The portfolio cannot be asked for like this.")
        self.fields = dict(fields)


def read(given: Mapping[str, Any], *, features: Collection[str], budget: Decimal | None) -> Wish:
    """Return the wish that was written; the budget in force counts when none was.

    Raises Unreadable with a sentence for each input that cannot be.
    """
    reader = Reader(given)
    usd = reader.number(
        "budget_usd", unit="USD a month", least=Decimal(0), most=MOST_USD, default=budget
    )
    wish = Wish(
        budget_usd=usd,
        objective=reader.word("objective", Objective, Objective.COST),
        limits=_whole(reader, "limits", least=0, most=MOST_UNITS, wrong=_not_a_limit),
        priorities=_whole(
            reader, "priorities", least=1, most=100, wrong=lambda name: _not_ours(name, features)
        ),
        longest_commitment_months=_months(reader),
        launchable_only=reader.flag("launchable_only"),
    )
    if reader.wrong:
        raise Unreadable(reader.wrong)
    return wish


def _months(reader: Reader) -> int | None:
    if reader.given.get("longest_commitment_months") in (None, ""):
        return None
    return reader.whole("longest_commitment_months", unit="months", least=0, most=36)


def _whole(reader: Reader, name: str, *, least: int, most: int, wrong: Any) -> dict[str, int]:
    """Read names with whole numbers: an object, or lines such as `name = 4`."""
    value = reader.given.get(name)
    if value is None or value == "":
        return {}
    pairs = _lines(value) if isinstance(value, str) else value
    if not isinstance(pairs, Mapping) or len(pairs) > MOST_NAMES:
        reader.refuse(name, f"Write up to {MOST_NAMES} lines such as ml.g6e.12xlarge = 4.", {})
        return {}
    found = {}
    for key, number in pairs.items():
        text = str(number).strip()
        is_whole = text.isascii() and text.isdigit() and len(text) < 10
        if complaint := wrong(str(key)):
            reader.refuse(name, complaint, {})
        elif not is_whole or not least <= int(text) <= most:
            said = f"{str(key)[:60]} is a whole number from {least:,} to {most:,}; "
            reader.refuse(name, f"{said}{shown(text)} is not.", {})
        else:
            found[str(key)] = int(text)
    return found


def _lines(text: str) -> dict[str, str] | None:
    found = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, sign, number = line.partition("=")
        if not sign:
            return None
        found[name.strip()] = number.strip()
    return found


def _not_a_limit(name: str) -> str:
    if name == MODEL_UNITS or _INSTANCE.fullmatch(name):
        return ""
    return f"{shown(name)} is no instance type, such as ml.g6e.12xlarge, nor {MODEL_UNITS}."


def _not_ours(name: str, features: Collection[str]) -> str:
    return "" if name in features else f"{shown(name)} is the short name of no feature here."
