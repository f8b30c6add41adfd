"""What the gateway answers from: parsed once, swapped whole, kept in a file for a restart."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cascade.domain.gate.scorer import Scorer
from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable, Tariff
from cascade.domain.reading import read
from cascade.domain.router import Router
from cascade.domain.scopes import ORGANISATION
from cascade.gateway import senses

log = logging.getLogger("slipway.gateway")


@dataclass(frozen=True, slots=True)
class Version:
    """A policy that answers, with the weights it names."""

    number: int
    policy: Policy
    router: Router | None
    scorer: Scorer | None


@dataclass(frozen=True, slots=True)
class Cascade:
    """One cascade as the gateway knows it; `limits` are monthly micro-dollars by scope."""

    cascade_id: int
    slug: str
    feature_id: int
    team_id: int
    live: Version
    canary: Version | None
    canary_share: float
    limits: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Key:
    """A virtual key: the digest of its secret, and what it may do."""

    prefix: str
    digest: str
    cascade_id: int
    requests_per_minute: int | None
    tokens_per_minute: int | None
    max_output_tokens: int | None
    monthly_micro: int | None
    expires_at: datetime | None
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment; immutable."""

    version: int
    made_at: str
    prices: PriceTable
    cascades: Mapping[int, Cascade]
    keys: Mapping[str, Key]


@dataclass(slots=True)
class Holder:
    """The snapshot in force; a newer good one replaces it, a bad one is told and left alone."""

    file: Path | None = None
    current: Snapshot | None = None
    trouble: str = ""
    refused: int = -1

    def offer(self, body: str | bytes, *, keeps: bool = True) -> bool:
        """Take a snapshot when it is newer and whole; say whether it was taken.

        `refused` keeps the version of one that was not whole, so that it is told once.
        """
        version = -1
        try:
            told = json.loads(body)
            version = int(told["version"])
            if self.current is not None and version <= self.current.version:
                return False
            found = parsed(told)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            self.trouble = f"A snapshot could not be read, the one before holds: {fault}"
            log.error("%s", self.trouble)
            self.refused = version
            return False
        self.current, self.trouble = found, ""
        if keeps:
            self._keep(body)
        return True

    def load(self) -> bool:
        """Take what an earlier process kept."""
        if self.file is None or not self.file.exists():
            return False
        return self.offer(self.file.read_bytes(), keeps=False)

    def _keep(self, body: str | bytes) -> None:
        if self.file is None:
            return
        text = body if isinstance(body, bytes) else body.encode()
        try:
            # Processes of one machine share the file, and each writes beside it by itself.
            beside = self.file.with_suffix(f".{os.getpid()}.new")
            beside.write_bytes(text)
            beside.replace(self.file)
        except OSError as reason:
            log.warning("The snapshot was not kept in %s: %s", self.file, reason)


def parsed(told: Mapping[str, Any]) -> Snapshot:
    """Return the snapshot that JSON describes. Raises ValueError, KeyError or TypeError."""
    prices = told["prices"]
    return Snapshot(
        version=int(told["version"]),
        made_at=str(told["made_at"]),
        prices=PriceTable(
            version=str(prices["version"]),
            region=str(told["region"]),
            as_of=str(prices["as_of"]),
            tariffs={key: _tariff(each) for key, each in prices["tariffs"].items()},
        ),
        cascades={int(key): _cascade(int(key), each) for key, each in told["cascades"].items()},
        keys={prefix: _key(prefix, each) for prefix, each in told["keys"].items()},
    )


def _tariff(told: Mapping[str, Any]) -> Tariff:
    return Tariff(
        input=int(told["input"]),
        output=int(told["output"]),
        cached=int(told["cached"]),
        long_from=int(told["long_from"]),
        long=None if told["long"] is None else _tariff(told["long"]),
        is_hourly=bool(told["is_hourly"]),
    )


def _cascade(cascade_id: int, told: Mapping[str, Any]) -> Cascade:
    feature, team, limits = told["feature"]["id"], told["team"]["id"], told["limits"]
    canary = told["canary"]
    weights = {name: base64.b64decode(text) for name, text in told["weights"].items()}
    return Cascade(
        cascade_id=cascade_id,
        slug=str(told["slug"]),
        feature_id=int(feature),
        team_id=int(team),
        live=_version(told["live"], weights),
        canary=None if canary is None else _version(canary, weights),
        canary_share=0.0 if canary is None else float(canary["share"]),
        limits={
            f"feature:{feature}": limits["feature_micro"],
            f"team:{team}": limits["team_micro"],
            ORGANISATION: limits["organisation_micro"],
        },
    )


def _version(told: Mapping[str, Any], weights: Mapping[str, bytes]) -> Version:
    policy = read(told["policy"])
    router, scorer = weights.get(policy.router), weights.get(policy.scorer)
    return Version(
        number=int(told["number"]),
        policy=policy,
        router=None if router is None else Router.from_bytes(router),
        scorer=None if scorer is None else senses.scorer_of(scorer),
    )


def _key(prefix: str, told: Mapping[str, Any]) -> Key:
    expires = told["expires_at"]
    return Key(
        prefix=prefix,
        digest=str(told["digest"]),
        cascade_id=int(told["cascade"]),
        requests_per_minute=told["requests_per_minute"],
        tokens_per_minute=told["tokens_per_minute"],
        max_output_tokens=told["max_output_tokens"],
        monthly_micro=told["monthly_micro"],
        expires_at=None if expires is None else datetime.fromisoformat(expires),
        is_revoked=bool(told["revoked"]),
    )
