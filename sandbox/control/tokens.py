"""Client tokens: the same wish with the same token builds nothing twice."""

import hashlib
import json

from sandbox import state
from sandbox.wire import AwsError, Call


def remembered(call: Call, kind: str) -> str | None:
    """Return the ARN that an earlier call with this client token built.

    A token is forgotten with what it built. Refuses the token with other parameters.
    """
    token = call.parameters.get("clientRequestToken")
    row = state.table("bedrock_tokens").get(f"{kind}:{token}") if token else None
    if row is None:
        return None
    if row["body"] != _digest(call):
        raise AwsError(
            "ValidationException",
            "The clientRequestToken was already used with different request parameters.",
        )
    return str(row["arn"])


def remember(call: Call, kind: str, arn: str) -> None:
    """Keep what a call with a client token has built."""
    if token := call.parameters.get("clientRequestToken"):
        row = {"arn": arn, "body": _digest(call)}
        state.table("bedrock_tokens")[f"{kind}:{token}"] = row


def forget(arn: str) -> None:
    """Drop the tokens of something that is gone."""
    tokens = state.table("bedrock_tokens")
    for key in [key for key, row in tokens.items() if row["arn"] == arn]:
        del tokens[key]


def _digest(call: Call) -> str:
    return hashlib.sha256(json.dumps(call.parameters, sort_keys=True).encode()).hexdigest()
