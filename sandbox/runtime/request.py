"""One request of the runtime half, and its reply."""

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.wire import Answer, AwsError

MAX_BODY_BYTES = 26_214_400
"""25 MiB: the largest payload of any runtime operation (SageMaker real-time)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller sent; `named` holds what the path names."""

    environ: dict[str, Any]
    named: dict[str, str]
    body: bytes

    def header(self, name: str, default: str = "") -> str:
        """Return a header by its usual spelling."""
        key = name.upper().replace("-", "_")
        prefix = "" if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_"
        return str(self.environ.get(prefix + key, default))


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back; the body may be produced while it is sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Iterable[bytes]


def plain(answer: Answer) -> Reply:
    """Return a finished answer as a reply."""
    length = ("Content-Length", str(len(answer.body)))
    return Reply(answer.status, (*answer.headers, length), (answer.body,))


def read_body(environ: dict[str, Any]) -> bytes:
    """Return the whole body; refuses more than MAX_BODY_BYTES and broken compression."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        if int(length) > MAX_BODY_BYTES:
            raise AwsError(
                "RequestEntityTooLargeException", "Request size exceeded limit.", status=413
            )
        body = stream.read(int(length))
    else:
        body = stream.read() if environ.get("wsgi.input_terminated") else b""
    if environ.get("HTTP_CONTENT_ENCODING") != "gzip":
        return bytes(body)
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as broken:
        raise AwsError("SerializationException", "The body is not valid gzip.") from broken
