"""No body, however wrong, does more than be refused; text is counted and cut exactly."""

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.runtime import replies, tokens
from sandbox.runtime.hosting import bodies
from sandbox.runtime.models import native
from sandbox.wire import AwsError

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
TURN = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "assistant"]) | ANYTHING, "content": ANYTHING}
)
FIELDS = {
    "anthropic_version": st.just("bedrock-2023-05-31"),
    "max_tokens": st.integers(1, 90) | ANYTHING,
    "messages": st.lists(TURN, max_size=2) | ANYTHING,
    "prompt": ANYTHING,
    "inputs": ANYTHING,
    "system": ANYTHING,
    "stop": ANYTHING,
    "stop_sequences": ANYTHING,
    "inferenceConfig": ANYTHING,
    "parameters": ANYTHING,
}
BODIES = st.fixed_dictionaries({}, optional=FIELDS)


@pytest.mark.parametrize("model", ["anthropic.claude", "amazon.nova-lite", "mistral.any"])
@given(body=BODIES)
@settings(max_examples=150)
def test_a_native_body_is_understood_or_refused(model: str, body: dict[str, Any]) -> None:
    family = native.family(model)
    try:
        asked = family.read(native.parse(json.dumps(body).encode()))
    except AwsError:
        return
    said = replies.Said("Well then.", 3, "end_turn")
    assert asked.input_tokens > 0
    assert json.dumps(family.write(body, said, asked.input_tokens, "x"))
    assert sum(carried for _, carried in family.chunks(body, said, 1, "x")) == 3


@given(body=BODIES)
@settings(max_examples=150)
def test_an_endpoints_body_is_understood_or_refused(body: dict[str, Any]) -> None:
    try:
        understood, asked = bodies.read(json.dumps(body).encode())
    except bodies.NotUnderstood:
        return
    said = replies.Said("Well then.", 3, "max_tokens")
    assert bodies.write(understood, said, asked.input_tokens)["usage"]["total_tokens"] > 3


@given(text=st.text(max_size=200), limit=st.integers(0, 60))
def test_a_cut_text_has_that_many_tokens_and_is_the_beginning(text: str, limit: int) -> None:
    cut = tokens.cut(text, limit)

    assert tokens.count(cut) == min(limit, tokens.count(text))
    assert text.startswith(cut)


@given(text=st.text(alphabet=string.printable, max_size=200), size=st.integers(1, 20))
def test_pieces_join_to_the_text_and_have_that_many_tokens(text: str, size: int) -> None:
    pieces = tokens.pieces(text, size)

    assert "".join(pieces) == text
    counts = [tokens.count(piece) for piece in pieces]
    assert sum(counts) == tokens.count(text)
    assert all(count <= size for count in counts)


@given(prompt=st.text(max_size=60), wished=st.integers(1, 400), limit=st.integers(1, 400))
def test_a_reply_has_the_wished_length_within_the_limit(
    prompt: str, wished: int, limit: int
) -> None:
    said = replies.say("some.model", f"{prompt} [slipway tokens={wished}]", limit)

    assert said.output_tokens == tokens.count(said.text) == min(wished, limit)
    assert said.stop_reason == ("max_tokens" if wished > limit else "end_turn")
