"""Time that a function would have waited for a model, had the sandbox not been told to hurry.

Each execution environment signs with its own access key id, so a model call made inside a function
is known by its signature; what was not really waited is added to the function's Duration.
"""

import re
import threading

_KEY = re.compile(r"Credential=(SANDBOXFN\w+)/")
_lock = threading.Lock()
_seconds: dict[str, float] = {}


def start(access_key_id: str) -> None:
    """Begin counting for an environment."""
    with _lock:
        _seconds[access_key_id] = 0.0


def add(authorization: str, seconds: float) -> None:
    """Add time to the environment that signed a request, if one did."""
    found = _KEY.search(authorization)
    if found is None:
        return
    with _lock:
        if found[1] in _seconds:
            _seconds[found[1]] += seconds


def take(access_key_id: str) -> float:
    """Stop counting and return the seconds."""
    with _lock:
        return _seconds.pop(access_key_id, 0.0)
