"""The AWS seam: the only module that imports boto3 and botocore."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)
from django.conf import settings
from urllib3.exceptions import HTTPError

__all__ = [
    "BROKEN_STREAM",
    "NEVER_SENT",
    "BotoCoreError",
    "ClientError",
    "TooLate",
    "client",
    "error_code",
    "error_words",
    "invoking_client",
    "is_sandbox",
    "within",
]

# No connection was made, so nothing was asked.
NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError)
# What botocore lets through when a stream ends in the middle.
BROKEN_STREAM = (HTTPError, ParserError, BotoCoreError, ClientError)
# A model may take a minute to answer; who waits for it holds no lease.
_ANSWER_SECONDS = 65
# When what is sent must be over, in monotonic seconds; None: whenever.
_over_by: ContextVar[float | None] = ContextVar("over_by", default=None)


class TooLate(BotoCoreError):
    """A request was not sent, because it could have outlived the lease it is made under."""

    fmt = "Not sent: it could take {needed} s, and {left} s are left."


@contextmanager
def within(*, seconds: float) -> Iterator[None]:
    """Send only what is over within `seconds` from now, retries included; else raise TooLate.

    Whoever acts under a lease can then be sure that nothing of his arrives after it has passed to
    another. Covers clients of `client`.
    """
    token = _over_by.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _over_by.reset(token)


@cache
def client(service: str) -> Any:
    """Return the shared client that changes and describes one AWS service."""
    made = _client(service, read_seconds=settings.AWS_CALL_SECONDS)
    made.meta.events.register("before-send", _refuse_too_late)
    return made


@cache
def invoking_client(service: str, *, attempts: int = 3) -> Any:
    """Return the shared client that waits for answers of models, endpoints and functions.

    With one attempt nothing is sent again behind the caller's back: what is paid is counted.
    """
    return _client(service, read_seconds=_ANSWER_SECONDS, attempts=attempts)


def _client(service: str, *, read_seconds: int, attempts: int = 3) -> Any:
    # NAT gateways cut idle connections at 350 s, hence keep-alive (AWS, troubleshooting errors).
    config = Config(
        connect_timeout=settings.AWS_CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=32,
        user_agent_extra="slipway",
    )
    return boto3.client(
        service,
        region_name=settings.AWS_REGION,
        endpoint_url=settings.AWS_ENDPOINT_URL,
        config=config,
    )


def _refuse_too_late(**_sent: Any) -> None:
    over_by = _over_by.get()
    if over_by is None:
        return
    needed = settings.AWS_CONNECT_SECONDS + settings.AWS_CALL_SECONDS
    left = over_by - time.monotonic()
    if left < needed:
        raise TooLate(needed=needed, left=max(0, round(left)))


def is_sandbox() -> bool:
    """Say whether calls go to the sandbox instead of AWS."""
    return settings.AWS_ENDPOINT_URL is not None


def error_code(error: ClientError) -> str:
    """Return AWS's own error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_words(error: ClientError) -> str:
    """Return AWS's own words."""
    return str(error.response.get("Error", {}).get("Message", "") or error)
