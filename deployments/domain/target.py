"""The port that every kind of AWS object implements, and the two ways in which AWS says no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

from deployments.domain.lifecycle import Observed


class Refused(Exception):
    """AWS did not do it; `code` is AWS's own, the message its own words."""

    def __init__(self, words: str, *, code: str = "") -> None:
        super().__init__(words)
        self.code = code


class Transient(Refused):
    """AWS said 'not now', or nothing at all: ask again later."""


class Permanent(Refused):
    """AWS said 'never like this': somebody must change something."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One AWS object: its name, its specification with references resolved, what AWS told of it.

    `known` are the outputs of an earlier look; empty before the first.
    """

    name: str
    spec: Mapping[str, Any]
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tags(self) -> Mapping[str, str]:
        """Return the tags it carries; empty where AWS takes none."""
        tags: Mapping[str, str] = self.spec.get("tags", {})
        return tags

    @property
    def token(self) -> str:
        """Return the client token: the same for every attempt to make this object."""
        return sha256(self.name.encode()).hexdigest()

    def is_mine(self, tags: Mapping[str, str]) -> bool:
        """Say whether an object with these tags was made for the same generation."""
        names = ("slipway:deployment", "slipway:generation")
        return all(tags.get(name) == self.tags.get(name) for name in names)


class Target(Protocol):
    """Four verbs, all safe to repeat. Each raises Transient or Permanent."""

    def observe(self, wish: Wish) -> Observed | None:
        """Look; None when there is nothing of that name."""

    def create(self, wish: Wish) -> None:
        """Begin to make it; one that exists already is left as it is."""

    def update(self, wish: Wish) -> None:
        """Begin to make it as specified, where AWS can."""

    def delete(self, wish: Wish) -> None:
        """Begin to end it; one that is gone already is no error."""
