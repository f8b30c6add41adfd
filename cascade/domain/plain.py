"""Frozen values as JSON that a database takes: what is not finite becomes null. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """Return a value, or a tree of them, as JSON values only; properties are not in it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    match value:
        case Enum():
            return value.value
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
    return value
