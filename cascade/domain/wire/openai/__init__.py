"""OpenAI's chat completions: requests, answers and streams, read and written. Pure."""

from cascade.domain.wire.openai.answers import (
    read_answer,
    read_tokens,
    write_answer,
    write_error,
    write_models,
)
from cascade.domain.wire.openai.requests import Asked, read_request, write_request
from cascade.domain.wire.openai.streams import Reader, Writer

__all__ = [
    "Asked",
    "Reader",
    "Writer",
    "read_answer",
    "read_request",
    "read_tokens",
    "write_answer",
    "write_error",
    "write_models",
    "write_request",
]
