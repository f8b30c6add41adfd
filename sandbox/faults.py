"""Faults by seed: throttled calls, lost answers, missing capacity. Each is drawn, none is timed."""

import json
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from sandbox import state
from sandbox.wire import Answer

StartResponse = Callable[..., Any]
_XML_SERVICES = frozenset({"iam", "sts", "cloudwatch"})


class Disconnected(ConnectionAbortedError):
    """The caller's connection is closed without an answer, although the call has happened."""


def concerns(service: str) -> bool:
    """Say whether the switched-on faults are meant for this service."""
    chosen = state.faults()["services"]
    return chosen is None or service in chosen


def _happens(kind: str, service: str) -> bool:
    probability = state.faults()[kind]
    return bool(probability) and concerns(service) and state.chance() < probability


def is_throttled(service: str) -> bool:
    """Draw whether this call is refused for its rate."""
    return _happens("throttle", service)


def answer_is_lost(service: str) -> bool:
    """Draw whether the call happens but its caller never hears of it."""
    return _happens("lost_answer", service)


def capacity_is_short(service: str) -> bool:
    """Draw whether AWS has no machine left for this wish."""
    return _happens("capacity_error", service)


def ping_fails(service: str) -> bool:
    """Draw whether the container does not pass its health check."""
    return _happens("ping_failure", service)


def throttled(service: str) -> Answer:
    """Return the refusal with which a service throttles."""
    match service:
        case "s3":
            body = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>"
            return _xml(503, f"{body}</Error>")
        case "lambda":
            return _json(429, "TooManyRequestsException", "Rate Exceeded.")
        case "bedrock" | "bedrock-runtime":
            sentence = "Too many requests, please wait before trying again."
            return _json(429, "ThrottlingException", sentence)
        case _ if service in _XML_SERVICES:
            return _error_response(400, "Throttling", "Rate exceeded")
        case _:
            return _json(400, "ThrottlingException", "Rate exceeded")


def lose(service: str, answer: Iterable[bytes]) -> Answer:
    """Let the call happen to its end, then break the connection or answer with an error.

    Which of the two is drawn from the seed. Raises Disconnected for the first.
    """
    try:
        for _ in answer:
            pass
    finally:
        if close := getattr(answer, "close", None):
            close()
    if state.chance() < 0.5:
        raise Disconnected("the answer was lost")
    sentence = "The request processing has failed because of an unknown error."
    match service:
        case "s3":
            return _xml(
                500, f"<Error><Code>InternalError</Code><Message>{sentence}</Message></Error>"
            )
        case _ if service in _XML_SERVICES:
            return _error_response(500, "InternalFailure", sentence)
        case _:
            return _json(500, "InternalServerException", sentence)


def _json(status: int, code: str, sentence: str) -> Answer:
    body = json.dumps({"__type": code, "message": sentence, "Message": sentence}).encode()
    return Answer(status, (("Content-Type", "application/json"), ("x-amzn-ErrorType", code)), body)


def _error_response(status: int, code: str, sentence: str) -> Answer:
    words = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(sentence)}</Message>"
    return _xml(status, f"<ErrorResponse><Error>{words}</Error></ErrorResponse>")


def _xml(status: int, text: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
    return Answer(status, (("Content-Type", "text/xml"),), body)
