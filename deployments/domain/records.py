"""Values to JSON and back, without loss: decimals and dates as text. Pure."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from deployments.domain.options import Option
from deployments.domain.workload import Workload

T = TypeVar("T")
_PLAIN = frozenset({str, int, bool, float})


def to_json(value: object) -> Any:
    """Return plain JSON for a frozen value: decimals and dates as text, tuples as lists."""
    if value is None or type(value) in _PLAIN:  # most of what there is
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_json(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], body: Mapping[str, Any]) -> T:
    """Return the value that `to_json` wrote; a missing field takes its default.

    Raises KeyError when a field without a default is missing. Unknown keys are ignored, so that
    an older release reads what a newer one wrote.
    """
    hints = _hints(kind)  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name in body:
            given[each.name] = _read(hints[each.name], body[each.name])
        elif each.default is MISSING and each.default_factory is MISSING:
            raise KeyError(each.name)
    return kind(**given)


def workload_to_json(workload: Workload) -> dict[str, Any]:
    """Return a workload as JSON."""
    body: dict[str, Any] = to_json(workload)
    return body


def workload_from_json(body: Mapping[str, Any]) -> Workload:
    """Return the workload that `workload_to_json` wrote."""
    return from_json(Workload, body)


def option_to_json(option: Option) -> dict[str, Any]:
    """Return an option as JSON."""
    body: dict[str, Any] = to_json(option)
    return body


def option_from_json(body: Mapping[str, Any]) -> Option:
    """Return the option that `option_to_json` wrote."""
    return from_json(Option, body)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _read(_of_union(hint), value)
    if origin is tuple:
        return tuple(_read(get_args(hint)[0], item) for item in _items(value))
    if origin is not None:
        return dict(value)
    return _read_plain(hint, value)


def _read_plain(hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]
    if hint is Decimal:
        return Decimal(str(value))
    if hint is date:
        return date.fromisoformat(value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return value


def _of_union(hint: Any) -> Any:
    return next(each for each in get_args(hint) if each is not type(None))


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
