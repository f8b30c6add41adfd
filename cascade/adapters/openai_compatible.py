"""Servers that speak OpenAI's chat completions: vLLM on ECS, or on premises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp

from cascade.adapters.calls import Call, pieces, whole
from cascade.domain.connection import Connection, origin
from cascade.domain.invoker import End, Piece, Trouble, UpstreamFailed
from cascade.domain.packing import packed
from cascade.domain.policy import Target
from cascade.domain.request import Answer, Chat
from cascade.domain.wire import openai, refusals
from cascade.domain.wire.fields import heard


class OpenAICompatible:
    """Asks servers by their base URL. Safe to use from many tasks at once."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        connection: Connection,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._secrets = {
            where: environ[name]
            for where, name in connection.key_names.items()
            if environ.get(name)
        }
        self._clock = clock

    async def ask(self, target: Target, chat: Chat, *, within_s: float) -> Answer:
        """Return the whole answer. Raises UpstreamFailed, also when time runs out."""
        call = self._call(target, chat, is_streamed=False)
        return openai.read_answer(heard(await whole(self._session, call, within_s=within_s)))

    def stream(self, target: Target, chat: Chat, *, within_s: float) -> AsyncIterator[Piece | End]:
        """Yield pieces and then exactly one End. Raises UpstreamFailed; never ends without End."""
        call = self._call(target, chat, is_streamed=True)
        return pieces(self._session, call, openai.Reader(), within_s=within_s)

    def _call(self, target: Target, chat: Chat, *, is_streamed: bool) -> Call:
        where = origin(target.address)
        if not where:
            raise UpstreamFailed(Trouble.REFUSED, f"{target.address!r} is no address of a server.")
        asked = openai.write_request(chat, model=target.model, is_streamed=is_streamed)
        headers = {"content-type": "application/json"}
        # A key goes to the server it was given for, whatever a policy's author writes.
        if secret := self._secrets.get(where):
            headers["authorization"] = f"Bearer {secret}"
        return Call(_url(target.address), headers, packed(asked), self._refusal)

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamFailed:
        return refusals.of_openai(status=status, headers=headers, body=body, now=self._clock())


def _url(address: str) -> str:
    """Return where chats go, for a base URL with or without its /v1."""
    base = address.rstrip("/")
    return f"{base if urlsplit(base).path else f'{base}/v1'}/chat/completions"
