"""What an upstream's refusal means, whatever its status and form. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from cascade.domain.invoker import Trouble, UpstreamFailed

MOST_WORDS = 1_000
# No server's wish holds us longer than a deadline can be.
LONGEST_WAIT_S = 900.0
_BY_CODE = {
    "ThrottlingException": Trouble.THROTTLED,
    "TooManyRequestsException": Trouble.THROTTLED,
    "ServiceQuotaExceededException": Trouble.THROTTLED,
    "ModelNotReadyException": Trouble.OVERLOADED,
    "ModelErrorException": Trouble.OVERLOADED,
    "ModelTimeoutException": Trouble.TIMED_OUT,
    # Nothing is wrong with the chat: our credentials or our clock are.
    "ExpiredTokenException": Trouble.OVERLOADED,
    "InvalidSignatureException": Trouble.OVERLOADED,
    "RequestExpired": Trouble.OVERLOADED,
}
_CLOCK = frozenset({"InvalidSignatureException", "RequestExpired"})


def of_aws(
    *, status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> UpstreamFailed:
    """Return what AWS refused, in its own words."""
    said = _object(body)
    code = aws_code(headers, body)
    words = said.get("message") or said.get("Message") or code or f"AWS answered {status}."
    trouble = _BY_CODE.get(code) or _by_status(status)
    if code == "ModelError":
        trouble = _by_container(said.get("OriginalStatusCode"))
    return _failed(trouble, words, status=status, headers=headers, now=now)


def aws_code(headers: Mapping[str, str], body: bytes) -> str:
    """Return AWS's error code, without what some services put around it."""
    code = headers.get("x-amzn-ErrorType") or _object(body).get("__type") or ""
    return str(code).split(":")[0].rpartition("#")[2]


def blames_clock(code: str, words: str) -> bool:
    """Say whether AWS refused a signature for its time."""
    return code in _CLOCK and ("expired" in words or "not yet current" in words)


def of_openai(
    *, status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> UpstreamFailed:
    """Return what an OpenAI-compatible server refused, in its own words."""
    said = _object(body)
    error = said.get("error", said)
    words = error if isinstance(error, str) else None
    if isinstance(error, dict):
        words = error.get("message") or error.get("detail")
    words = words or f"The model's server answered {status}."
    return _failed(_by_status(status), words, status=status, headers=headers, now=now)


def retry_after_s(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return how long a server asks to be left alone, in seconds or by a date; None if it does not.

    Never more than LONGEST_WAIT_S.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_WAIT_S)


def _failed(
    trouble: Trouble, words: object, *, status: int, headers: Mapping[str, str], now: datetime
) -> UpstreamFailed:
    wait = retry_after_s(headers, now=now)
    return UpstreamFailed(trouble, str(words)[:MOST_WORDS], retry_after_s=wait, status=status)


def _by_status(status: int) -> Trouble:
    if status == 429:
        return Trouble.THROTTLED
    if status == 408:
        return Trouble.TIMED_OUT
    return Trouble.OVERLOADED if status >= 500 or status == 425 else Trouble.REFUSED


def _by_container(status: object) -> Trouble:
    """Return what a SageMaker container's own status means; 0 when it did not answer in time."""
    if not isinstance(status, int):
        return Trouble.OVERLOADED
    return _by_status(status) if status else Trouble.TIMED_OUT


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
