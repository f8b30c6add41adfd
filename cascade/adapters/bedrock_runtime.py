"""Bedrock's Converse and ConverseStream over pooled connections, signed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from urllib.parse import quote

import aiohttp

from cascade.adapters.calls import Call, pieces, whole
from cascade.domain.connection import Connection
from cascade.domain.invoker import End, Piece, UpstreamFailed
from cascade.domain.packing import packed
from cascade.domain.policy import Target
from cascade.domain.request import Answer, Chat
from cascade.domain.wire import converse, eventstream, refusals
from cascade.domain.wire.fields import heard
from portal.signing import Keys, Signer

_JSON = "application/json"


class Bedrock:
    """Asks managed models by id or inference profile. Safe to use from many tasks at once."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        connection: Connection,
        keys: Callable[[], Keys],
        clock: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._url = connection.url("bedrock")
        self._signer = Signer(service="bedrock", region=connection.region, keys=keys)
        self._clock = clock

    async def ask(self, target: Target, chat: Chat, *, within_s: float) -> Answer:
        """Return the whole answer. Raises UpstreamFailed, also when time runs out."""
        call = self._call(target, chat, verb="converse", accept=_JSON)
        return converse.read_answer(heard(await whole(self._session, call, within_s=within_s)))

    def stream(self, target: Target, chat: Chat, *, within_s: float) -> AsyncIterator[Piece | End]:
        """Yield pieces and then exactly one End. Raises UpstreamFailed; never ends without End."""
        call = self._call(target, chat, verb="converse-stream", accept=eventstream.CONTENT_TYPE)
        return pieces(self._session, call, converse.Reader(), within_s=within_s)

    def _call(self, target: Target, chat: Chat, *, verb: str, accept: str) -> Call:
        url = f"{self._url}/model/{quote(target.address, safe='')}/{verb}"
        body = packed(converse.write_request(chat))
        headers = self._signer.sign(url=url, body=body, content_type=_JSON, now=self._clock())
        return Call(url, headers | {"accept": accept}, body, self._refusal)

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamFailed:
        now = self._clock()
        failed = refusals.of_aws(status=status, headers=headers, body=body, now=now)
        if refusals.blames_clock(refusals.aws_code(headers, body), failed.words):
            self._signer.set_clock(headers.get("Date", ""), now=now)
        return failed
