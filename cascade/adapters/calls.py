"""One POST to an upstream: its deadline, the bounds of what is read, and how it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

import aiohttp
from yarl import URL

from cascade.domain.invoker import End, Piece, Trouble, UpstreamFailed

# An answer is text; what is larger is no answer.
MOST_ANSWER_BYTES = 32 * 1024 * 1024
MOST_REFUSAL_BYTES = 64 * 1024
# After the end of a stream its connection is worth this long a wait to be used again.
_DRAIN_SECONDS = 0.25
_LONG_BODY_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent, and how a refusal of it is read: from status, headers and body."""

    url: str
    headers: dict[str, str]
    body: bytes
    refusal: Callable[[int, Mapping[str, str], bytes], UpstreamFailed]


class Reader(Protocol):
    """Turns a stream's bytes into pieces."""

    @property
    def is_over(self) -> bool:
        """Say whether the clean end was read."""
        ...

    def feed(self, data: bytes) -> Iterator[Piece | End]:
        """Yield what these bytes complete."""
        ...

    def cut(self) -> UpstreamFailed:
        """Return the failure of a stream that ends here."""
        ...


def open_session(*, connect_s: float, most_connections: int = 512) -> aiohttp.ClientSession:
    """Return the pooled client of a process; it follows no redirect and keeps no cookie."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=most_connections, ttl_dns_cache=60, keepalive_timeout=30
        ),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        # A packed answer may unpack to any size; none is asked for, none is unpacked.
        auto_decompress=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "slipway-cascade"},
    )


async def whole(session: aiohttp.ClientSession, call: Call, *, within_s: float) -> bytes:
    """Return the body of a successful answer. Raises UpstreamFailed."""
    with _failures():
        async with asyncio.timeout(within_s), _sent(session, call) as response:
            return await _read(response, most=MOST_ANSWER_BYTES)


async def pieces(
    session: aiohttp.ClientSession, call: Call, reader: Reader, *, within_s: float
) -> AsyncIterator[Piece | End]:
    """Yield what the reader makes of a stream, up to its End. Raises UpstreamFailed.

    The deadline holds for the whole stream, but runs out only while bytes are waited for: who
    consumes the pieces is never interrupted. Close the iterator when you leave it early.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    response = await _begin(session, call, deadline=deadline)
    try:
        left = MOST_ANSWER_BYTES
        while data := await _next(response, reader, deadline=deadline):
            left -= len(data)
            if left < 0:
                raise _too_long()
            for piece in reader.feed(data):
                yield piece
            if reader.is_over:
                await _drain(response)
                return
        raise reader.cut()
    finally:
        # Gives the connection back when all was read, else ends it: the model may stop then.
        if response.content.at_eof():
            response.release()
        response.close()


async def _begin(
    session: aiohttp.ClientSession, call: Call, *, deadline: float
) -> aiohttp.ClientResponse:
    with _failures():
        async with asyncio.timeout_at(deadline):
            response = await _post(session, call)
            try:
                if response.status != 200:
                    raise await _refused(response, call)
            except BaseException:
                response.close()
                raise
            return response


async def _next(response: aiohttp.ClientResponse, reader: Reader, *, deadline: float) -> bytes:
    """Return the next bytes, none at the end."""
    try:
        with _failures():
            async with asyncio.timeout_at(deadline):
                return await response.content.readany()
    except UpstreamFailed as failed:
        if failed.tokens is None:
            failed.tokens = reader.cut().tokens
        raise


async def _drain(response: aiohttp.ClientResponse) -> None:
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            await response.content.readany()
    except (TimeoutError, aiohttp.ClientError, OSError):
        return


@asynccontextmanager
async def _sent(
    session: aiohttp.ClientSession, call: Call
) -> AsyncIterator[aiohttp.ClientResponse]:
    async with await _post(session, call) as response:
        if response.status != 200:
            raise await _refused(response, call)
        yield response


async def _post(session: aiohttp.ClientSession, call: Call) -> aiohttp.ClientResponse:
    # The URL is signed as it is; nothing may be quoted again.
    url = URL(call.url, encoded=True)
    # A long body is sent in pieces, so that others are served between them.
    body = call.body if len(call.body) < _LONG_BODY_BYTES else BytesIO(call.body)
    return await session.post(url, data=body, headers=call.headers, allow_redirects=False)


async def _refused(response: aiohttp.ClientResponse, call: Call) -> UpstreamFailed:
    try:
        body = await _read(response, most=MOST_REFUSAL_BYTES)
    except UpstreamFailed:
        body = b""
    return call.refusal(response.status, response.headers, body)


async def _read(response: aiohttp.ClientResponse, *, most: int) -> bytes:
    found = bytearray()
    async for data in response.content.iter_any():
        found += data
        if len(found) > most:
            response.close()
            raise _too_long()
    return bytes(found)


def _too_long() -> UpstreamFailed:
    words = f"The model's server sent more than {MOST_ANSWER_BYTES} bytes."
    return UpstreamFailed(Trouble.BROKEN, words)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what aiohttp raises into UpstreamFailed."""
    try:
        yield
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as failed:
        words = f"No connection was made: {failed}"
        raise UpstreamFailed(Trouble.UNREACHABLE, words) from failed
    except aiohttp.InvalidURL as failed:
        raise UpstreamFailed(Trouble.REFUSED, f"This is no address: {failed}") from failed
    except TimeoutError as failed:
        raise UpstreamFailed(Trouble.TIMED_OUT, "No answer came in time.") from failed
    except (aiohttp.ClientError, OSError) as failed:
        words = f"The connection broke: {failed or type(failed).__name__}"
        raise UpstreamFailed(Trouble.BROKEN, words) from failed
