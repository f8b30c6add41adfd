"""Which function, version and alias a caller means."""

import re
from dataclasses import dataclass
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends

from sandbox import state
from sandbox.control import lambda_
from sandbox.runtime import replies
from sandbox.wire import AwsError

_NAME = re.compile(
    r"(arn:aws:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:|function:)?"
    r"(?P<name>[A-Za-z0-9-_]{1,140})(:(?P<qualifier>\$LATEST|[A-Za-z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A version of a function, the alias or version that was named, and what is reserved."""

    function: Any
    version: str
    qualifier: str | None
    reserved_concurrency: int | None

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.function.function_name)

    @property
    def arn(self) -> str:
        """The ARN as invoked."""
        base = f"arn:aws:lambda:{state.REGION}:{state.ACCOUNT_ID}:function:{self.name}"
        return f"{base}:{self.qualifier}" if self.qualifier else base


def find(identifier: str, qualifier: str | None) -> Found:
    """Return what is invoked; refuses what is not there, and a function that is not Active yet."""
    match = _NAME.fullmatch(identifier)
    if match is None:
        raise AwsError("ValidationException", f"'{identifier}' is not a valid function name.")
    name, qualifier = match["name"], match["qualifier"] or qualifier
    with state.LOCK:
        found = _find(name, qualifier)
    if lambda_.is_pending(found.function):
        raise AwsError(
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the "
            "following state: Pending",
            status=409,
        )
    return found


def _find(name: str, qualifier: str | None) -> Found:
    backend = lambda_backends[state.ACCOUNT_ID][state.REGION]
    try:
        latest = backend.get_function(name)
        version = _chosen_version(backend, name, qualifier)
        function = backend.get_function(name, version)
    except LambdaClientError as missing:
        arn = f"arn:aws:lambda:{state.REGION}:{state.ACCOUNT_ID}:function:{name}"
        named = f"{arn}:{qualifier}" if qualifier else arn
        raise AwsError(
            "ResourceNotFoundException", f"Function not found: {named}", status=404
        ) from missing
    reserved = latest.reserved_concurrency
    return Found(
        function=function,
        version=version or "$LATEST",
        qualifier=qualifier,
        reserved_concurrency=None if reserved is None else int(reserved),
    )


def _chosen_version(backend: Any, name: str, qualifier: str | None) -> str | None:
    """Return the version behind a qualifier; an alias may divide calls between two."""
    if qualifier is None or qualifier == "$LATEST" or qualifier.isdigit():
        return None if qualifier == "$LATEST" else qualifier
    alias = backend.get_alias(qualifier, name)
    weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
    drawn = replies.dice("alias", alias.arn, state.now()).random()
    for version, weight in weights.items():
        if drawn < weight:
            return str(version)
        drawn -= weight
    return str(alias.function_version)
