"""The policy that the gateway is measured with: router, learned scorer, judge and shadow are on.

Both sets of weights are trained on made-up requests, so that their cost is real; what they are
worth is measured elsewhere (`router`, `gate`).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from benchmarks.gateway_load import QUESTION, SECRET
from benchmarks.gateway_upstream import TEXT
from cascade.domain import training
from cascade.domain.gate import learning
from cascade.domain.request import Answer, Chat, Message, Part, Speaker, Stop, Tokens

MODELS = ("m.small", "m.medium", "m.large")
ROUTER, SCORER = "router-figures", "gate-figures"
# Of all requests: judged after the answer, and asked of the strongest stage too.
SHARE = 0.01
EXAMPLES = 600
HARD = "Prove that the integral over both contracts converges, and derive its value."
HEDGED = "I'm not sure, it is hard to say. Please contact support about it."


def snapshot() -> dict[str, Any]:
    """Return what the portal would publish: one cascade, its live policy and one key."""
    stages = [
        {"name": model[2:], "target": {"model": model, "address": model}, "threshold": 0.6}
        for model in MODELS
    ]
    helper = {"model": MODELS[0], "address": MODELS[0]}
    policy = {
        "stages": stages, "streaming": "commit", "shadow_share": SHARE,
        "classifier": "learned", "router": ROUTER, "scorer": SCORER,
        "judge": {"target": helper, "low": 0.0, "high": 0.0, "sample_share": SHARE},
    }  # fmt: skip
    tariff = {
        "input": 10**12, "output": 5 * 10**12, "cached": 10**11, "long_from": 0, "long": None,
        "is_hourly": False,
    }  # fmt: skip
    key = {
        "digest": hashlib.sha256(SECRET.encode()).hexdigest(), "cascade": 1,
        "requests_per_minute": 10_000_000, "tokens_per_minute": 10_000_000_000,
        "max_output_tokens": None, "monthly_micro": 10**13, "expires_at": None, "revoked": False,
    }  # fmt: skip
    limits = {"feature_micro": 10**13, "team_micro": 10**13, "organisation_micro": 10**13}
    cascade = {
        "slug": "chat", "feature": {"id": 1, "slug": "chat"}, "team": {"id": 1, "slug": "chat"},
        "environment": "production", "limits": limits, "weights": _weights(), "canary": None,
        "live": {"number": 1, "policy": policy},
    }  # fmt: skip
    prices = {"version": "p", "as_of": "2026-11-20", "tariffs": dict.fromkeys(MODELS, tariff)}
    return {
        "version": 1, "made_at": "2026-11-21T00:00:00+00:00", "region": "us-east-1",
        "prices": prices, "cascades": {"1": cascade}, "keys": {"0123abcd": key},
    }  # fmt: skip


def _weights() -> dict[str, str]:
    asked, answered = [], []
    for number in range(EXAMPLES):
        is_hard = number % 3 == 0
        text = f"{HARD if is_hard else QUESTION} {number}"
        asked.append(training.Example(text, (float(not is_hard), float(number % 6 != 0), 1.0)))
        answer = Answer(f"{HEDGED if is_hard else TEXT} {number}", Stop.END, Tokens(40, 34))
        answered.append(learning.Example(_chat(text), answer, float(not is_hard)))
    names = [model[2:] for model in MODELS]
    router = training.train(asked, stages=names, version=ROUTER).router
    scorer = learning.train(answered, version=SCORER).scorer
    assert scorer is not None
    return {
        name: base64.b64encode(made.to_bytes()).decode()
        for name, made in ((ROUTER, router), (SCORER, scorer))
    }


def _chat(text: str) -> Chat:
    return Chat(messages=(Message(Speaker.USER, (Part(text),)),))
