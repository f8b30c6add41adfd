"""The digest by which a policy is known again, however its JSON was written. Pure."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from cascade.domain.policy import Policy
from cascade.domain.reading import as_json


def canonical(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON values only: lists for tuples, texts for words."""
    body: dict[str, Any] = json.loads(json.dumps(as_json(policy)))
    return body


def digest_of(policy: Policy) -> str:
    """Return the SHA-256 of a policy's canonical JSON, in hex."""
    text = json.dumps(as_json(policy), sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()
