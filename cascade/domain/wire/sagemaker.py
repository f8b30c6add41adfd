"""A SageMaker endpoint's response stream: frames that carry a container's own events. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cascade.domain.invoker import End, Piece, Trouble, UpstreamFailed
from cascade.domain.wire import eventstream, openai


class Reader:
    """Reads one answer: bytes of frames in, pieces out, and one End at [DONE]."""

    def __init__(self) -> None:
        self._frames = eventstream.Reader()
        self._events = openai.Reader()

    @property
    def is_over(self) -> bool:
        """Say whether the stream came to its clean end."""
        return self._events.is_over

    def feed(self, data: bytes) -> Iterator[Piece | End]:
        """Yield what these bytes complete. Raises UpstreamFailed for what is no such stream."""
        for frame in self._frames.feed(data):
            if frame.headers.get(":message-type") != "event":
                kind = frame.headers.get(":exception-type", "The stream broke")
                words = frame.payload[:1_000].decode(errors="replace")
                raise UpstreamFailed(Trouble.BROKEN, f"{kind}: {words}")
            yield from self._events.feed(frame.payload)

    def cut(self) -> UpstreamFailed:
        """Return the failure of a stream that ended before its end, with the tokens it told."""
        return self._events.cut()
