"""Time that a function would have waited for a model, had the sandbox not been told to hurry.

Each execution environment signs with its own access key id, so a model call made inside a function
is known by its signature; what was not really waited is added to the function's Duration.
"""

import re
import threading
import time

from sandbox.runtime import speeds

_KEY = re.compile(r"Credential=(SANDBOXFN\w+)/")
_lock = threading.Lock()
_seconds: dict[str, float] = {}


def start(access_key_id: str) -> None:
    """Begin counting for an environment."""
    with _lock:
        _seconds[access_key_id] = 0.0


def wait(authorization: str, seconds: float) -> None:
    """Wait the scaled share of a latency; the rest counts for the environment that signed."""
    waited = seconds * speeds.scale()
    if waited > 0:
        time.sleep(waited)
    if found := _KEY.search(authorization):
        with _lock:
            if found[1] in _seconds:
                _seconds[found[1]] += seconds - waited


def take(access_key_id: str) -> float:
    """Stop counting and return the seconds."""
    with _lock:
        return _seconds.pop(access_key_id, 0.0)
