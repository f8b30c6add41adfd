"""Every upstream of a process by the kind of stage it serves, over one pool of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from cascade.adapters.bedrock_runtime import Bedrock
from cascade.adapters.calls import open_session
from cascade.adapters.openai_compatible import OpenAICompatible
from cascade.adapters.sagemaker_runtime import SageMaker
from cascade.domain.connection import Connection
from cascade.domain.invoker import Upstream
from cascade.domain.policy import Kind
from portal.signing import Keychain


@dataclass(frozen=True, slots=True)
class Upstreams:
    """What a process asks models through; close it when the process drains."""

    by_kind: Mapping[Kind, Upstream]
    session: aiohttp.ClientSession
    refreshing: asyncio.Task[None]

    async def close(self) -> None:
        """End every connection and the renewal of credentials."""
        self.refreshing.cancel()
        await asyncio.gather(self.refreshing, return_exceptions=True)
        await self.session.close()


def open_upstreams(
    *, connection: Connection, keychain: Keychain, environ: Mapping[str, str]
) -> Upstreams:
    """Return the upstreams of the running event loop; `environ` holds the servers' API keys."""
    session = open_session(connect_s=connection.connect_s)
    return Upstreams(
        by_kind={
            Kind.BEDROCK: Bedrock(
                session=session, connection=connection, keys=keychain, clock=_clock
            ),
            Kind.SAGEMAKER: SageMaker(
                session=session, connection=connection, keys=keychain, clock=_clock
            ),
            Kind.OPENAI: OpenAICompatible(
                session=session, connection=connection, environ=environ, clock=_clock
            ),
        },
        session=session,
        refreshing=asyncio.create_task(keychain.keep_fresh()),
    )


def _clock() -> datetime:
    return datetime.now(UTC)
