"""Requests that are answered: models, functions, endpoints, and the metrics they leave."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.runtime import front
from sandbox.runtime.functions import code, pool
from sandbox.runtime.hosting import serving
from sandbox.runtime.metrics import recorder
from sandbox.runtime.models import inference


def install() -> None:
    """Begin: function processes that are idle are ended from now on."""
    pool.start()


def operation(environ: dict[str, Any]) -> tuple[str, str] | None:
    """Return (service, operation) of a runtime request, or None; reads nothing."""
    found = front.find(environ)
    return (found[0].service, found[0].operation) if found else None


def http(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
    """Answer a runtime request as it streams; None, with nothing read, when it is not one.

    Call it before the control planes and without their lock.
    """
    return front.serve(environ, start_response)


def save() -> dict[str, Any]:
    """Write metrics to their file and return what else survives a restart."""
    recorder.flush()
    return {"calls": inference.calls()}


def load(kept: dict[str, Any]) -> None:
    """Take up what save() returned, and the metrics of the state folder."""
    recorder.store.restore(recorder.path())
    inference.take_up(kept.get("calls", {}))


def reset() -> None:
    """Forget everything and end every function process."""
    pool.clear()
    code.clear()
    serving.reset()
    inference.reset()
    recorder.clear()


def stop() -> None:
    """End every function process."""
    pool.clear()
