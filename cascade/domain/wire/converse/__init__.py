"""Bedrock's Converse and ConverseStream: requests, answers and streams, read and written. Pure."""

from cascade.domain.wire.converse.answers import read_answer, write_answer, write_error
from cascade.domain.wire.converse.reading import read_request
from cascade.domain.wire.converse.streams import Reader, Writer
from cascade.domain.wire.converse.writing import write_request

__all__ = [
    "Reader",
    "Writer",
    "read_answer",
    "read_request",
    "write_answer",
    "write_error",
    "write_request",
]
