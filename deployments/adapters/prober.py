"""Send one request of a probe to Bedrock as a stream, once, and listen with a stopwatch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from typing import Any

from deployments.domain.probing import Ask, Heard, Outcome
from portal import aws

THROTTLES = frozenset(
    {
        "ThrottlingException",
        "TooManyRequestsException",
        "ServiceUnavailableException",
        "ModelNotReadyException",
    }
)
FIRST_SERVER_ERROR = 500
# However slowly a model speaks, a request is over well within its lease.
MOST_SECONDS = 120


def prober(ask: Ask) -> Heard:
    """Send it and time its first token, its tokens a second and its end.

    One attempt only: a repeated request would be paid twice and measure something else.
    """
    began = time.monotonic()
    client = aws.invoking_client("bedrock-runtime", attempts=1)
    try:
        reply = client.converse_stream(
            modelId=ask.invoke_id,
            messages=[{"role": "user", "content": [{"text": ask.text}]}],
            inferenceConfig={"maxTokens": ask.output_tokens},
        )
    except aws.ClientError as error:
        return Heard(_refusal(error), words=aws.error_words(error))
    except aws.NEVER_SENT as error:
        return Heard(Outcome.FAILED, words=str(error))
    except aws.BotoCoreError as error:
        return Heard(Outcome.LOST, words=str(error))
    with closing(reply["stream"]) as stream:
        return _listen(stream, began)


def _refusal(error: aws.ClientError) -> Outcome:
    """Tell what was refused from what broke: a server error may hide an answer that was paid."""
    if aws.error_code(error) in THROTTLES:
        return Outcome.THROTTLED
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Outcome.LOST if status >= FIRST_SERVER_ERROR else Outcome.FAILED


def _listen(stream: Iterable[Mapping[str, Any]], began: float) -> Heard:
    moments: list[tuple[float, int]] = []  # seconds since it began, characters
    usage: Mapping[str, int] = {}
    try:
        for event in stream:
            since = time.monotonic() - began
            if since > MOST_SECONDS:
                return Heard(Outcome.LOST, words=f"No end within {MOST_SECONDS} s.")
            if length := _length(event):
                moments.append((since, length))
            usage = event.get("metadata", {}).get("usage", usage)
    except aws.BROKEN_STREAM as error:
        return Heard(Outcome.LOST, words=f"The stream broke: {error}"[:500])
    if not usage or not moments:
        return Heard(Outcome.LOST, words="The stream ended before its closing words.")
    return _heard(moments, usage, (time.monotonic() - began) * 1000)


def _length(event: Mapping[str, Any]) -> int:
    delta = event.get("contentBlockDelta", {}).get("delta", {})
    thought = delta.get("reasoningContent", {}).get("text", "")
    return len(delta.get("text", "")) + len(thought)


def _heard(moments: list[tuple[float, int]], usage: Mapping[str, int], answer_ms: float) -> Heard:
    """Count the tokens after the first piece by their share of the text."""
    (first, first_length), (last, _) = moments[0], moments[-1]
    total = sum(length for _, length in moments)
    speed = None
    with suppress(ZeroDivisionError):
        speed = usage["outputTokens"] * (1 - first_length / total) / (last - first)
    return Heard(
        Outcome.ANSWERED,
        first_token_ms=first * 1000,
        answer_ms=answer_ms,
        tokens_per_s=speed or None,
        input_tokens=usage["inputTokens"],
        output_tokens=usage["outputTokens"],
    )
