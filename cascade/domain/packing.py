"""Values as JSON bytes, the short way: the gateway writes some for every request."""

from __future__ import annotations

import json
from typing import Any

import orjson


def packed(value: Any) -> bytes:
    """Return JSON without spaces, as UTF-8.

    What orjson refuses (half of a surrogate pair, integers beyond 64 bits) is written by `json`, in
    ASCII. Raises TypeError for what is no JSON.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()
