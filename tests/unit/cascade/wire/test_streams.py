"""Streams survive any cut of their bytes, and nothing that is no clean end looks like one."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.parsers import create_parser
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.invoker import End, Piece, Trouble, UpstreamFailed
from cascade.domain.request import Answer, Stop, Tokens, ToolCall
from cascade.domain.wire import converse, eventstream, openai, sagemaker, sse

PIECES = (
    Piece(text="Hé\nllo "),
    Piece(text="\N{GRINNING FACE}"),
    Piece(tool_call=ToolCall("call_1", "find", ""), tool_index=0),
    Piece(tool_call=ToolCall("", "", '{"id":'), tool_index=0),
    Piece(tool_call=ToolCall("", "", "7}"), tool_index=0),
    Piece(tool_call=ToolCall("call_2", "close", ""), tool_index=1),
)
END = End(Stop.TOOL, Tokens(input=30, output=8, cached=10))


def chunks() -> bytes:
    writer = openai.Writer(answer_id="a1", model="support", created=7, wants_usage=True)
    said = b"".join(writer.piece(piece) for piece in PIECES)
    return writer.begin() + writer.comment("waiting") + said + writer.end(END)


def frames() -> bytes:
    writer = converse.Writer()
    said = b"".join(writer.piece(piece) for piece in PIECES)
    return writer.begin() + said + writer.end(END, latency_ms=5)


def carried() -> bytes:
    """Return OpenAI's events inside SageMaker's frames, cut anywhere."""
    whole = chunks()
    headers = {":message-type": "event", ":event-type": "PayloadPart"}
    cut = (whole[at : at + 37] for at in range(0, len(whole), 37))
    return b"".join(eventstream.write(headers, part) for part in cut)


WIRES = [(chunks, openai.Reader), (frames, converse.Reader), (carried, sagemaker.Reader)]
EVERY = pytest.mark.parametrize("write, make", WIRES)


@EVERY
@given(cuts=st.lists(st.integers(0, 3_000), max_size=12))
@settings(max_examples=40)
def test_what_is_written_is_read_however_its_bytes_are_cut(
    write: Callable[[], bytes], make: Callable[[], Any], cuts: list[int]
) -> None:
    reader, data = make(), write()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    heard = []
    for begin, end in pairwise(places):
        heard += reader.feed(data[begin:end])
    assert heard == [*PIECES, END]
    assert reader.is_over


@EVERY
def test_a_stream_without_its_last_byte_never_ends(
    write: Callable[[], bytes], make: Callable[[], Any]
) -> None:
    data = write()
    for length in range(0, len(data) - 1, 7):
        reader = make()
        heard = list(reader.feed(data[:length]))
        assert not any(isinstance(piece, End) for piece in heard)
        assert not reader.is_over
        assert reader.cut().trouble is Trouble.BROKEN


@EVERY
@given(at=st.integers(0, 2_000), bit=st.integers(0, 7))
@settings(max_examples=60)
def test_a_flipped_bit_is_a_failure_or_no_more_than_another_word(
    write: Callable[[], bytes], make: Callable[[], Any], at: int, bit: int
) -> None:
    data = bytearray(write())
    data[at % len(data)] ^= 1 << bit
    try:
        heard = list(make().feed(bytes(data)))
    except UpstreamFailed as failed:
        trouble = failed.trouble
    else:
        trouble = None
        assert sum(isinstance(piece, End) for piece in heard) <= 1
    assert trouble in {None, Trouble.BROKEN}


def test_frames_with_a_flipped_bit_are_never_read() -> None:
    data = frames()
    for at in range(0, len(data), 5):
        spoilt = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        reader = converse.Reader()
        try:
            heard = list(reader.feed(spoilt))
        except UpstreamFailed:
            continue
        # A length that grew waits for more: still no end.
        assert not any(isinstance(piece, End) for piece in heard)


def test_the_frames_written_are_those_that_botocore_reads() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(frames())
    shape = (
        Session()
        .get_service_model("bedrock-runtime")
        .operation_model("ConverseStream")
        .output_shape.members["stream"]
    )
    parser = create_parser("rest-json")
    events = [
        parser._event_stream_parser.parse(message.to_response_dict(), shape) for message in buffer
    ]
    assert [next(iter(event)) for event in events] == [
        "messageStart",
        *["contentBlockDelta"] * 2,
        "contentBlockStop",
        "contentBlockStart",
        *["contentBlockDelta"] * 2,
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    indices = [next(iter(e.values())).get("contentBlockIndex") for e in events]
    assert [index for index in indices if index is not None] == [0, 0, 0, 1, 1, 1, 1, 2, 2]
    usage = events[-1]["metadata"]["usage"]
    assert usage == {
        "inputTokens": 20,
        "outputTokens": 8,
        "totalTokens": 38,
        "cacheReadInputTokens": 10,
    }


def test_an_exception_in_the_stream_has_its_kind_and_its_words() -> None:
    data = converse.Writer().error("Slow down.", kind="throttlingException")
    with pytest.raises(UpstreamFailed, match="Slow down") as caught:
        list(converse.Reader().feed(data))
    assert caught.value.trouble is Trouble.THROTTLED


def test_an_error_event_never_says_done_and_is_a_failure_to_its_reader() -> None:
    writer = openai.Writer(answer_id="a", model="m", created=1, wants_usage=False)
    data = writer.error("The model's stream was cut.", kind="upstream_error")
    assert b"[DONE]" not in data
    with pytest.raises(UpstreamFailed, match="was cut"):
        list(openai.Reader().feed(data))


def test_usage_is_told_only_to_who_wants_it() -> None:
    writer = openai.Writer(answer_id="a", model="m", created=1, wants_usage=False)
    assert b"usage" not in writer.begin() + writer.piece(PIECES[0]) + writer.end(END)


def test_a_done_without_a_reason_or_without_tokens_is_no_end() -> None:
    for event in ({"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"usage": {}}):
        data = f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()
        with pytest.raises(UpstreamFailed):
            list(openai.Reader().feed(data))


def test_a_cut_stream_owes_the_tokens_it_told() -> None:
    reader = openai.Reader()
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    list(reader.feed(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode()))
    assert reader.cut().tokens == Tokens(input=9, output=2)


@pytest.mark.parametrize(
    "make", [lambda: sse.Reader(most_bytes=99), lambda: eventstream.Reader(most_bytes=99)]
)
def test_an_endless_event_is_not_collected(make: Callable[[], Any]) -> None:
    reader = make()
    endless = (
        eventstream.write({}, b"x" * 200) if "events" in type(reader).__module__ else b"x" * 200
    )
    with pytest.raises(UpstreamFailed):
        list(reader.feed(endless))


def test_lines_may_end_as_they_like() -> None:
    data = b": hello\r\nevent: x\r\ndata: a\r\ndata: b\r\n\r\ndata:c\n\n"
    found = list(sse.Reader().feed(data))
    assert found == [sse.Event("x", "a\nb"), sse.Event("", "c")]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
KEYS = [
    *("choices", "usage", "delta", "content", "tool_calls", "index", "function", "finish_reason"),
    *("message", "error", "output", "stopReason", "contentBlockIndex", "start", "toolUse"),
    *("input", "text", "prompt_tokens", "inputTokens"),
]
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=4),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner | st.lists(inner, max_size=2)),
    max_leaves=8,
)
KINDS = st.sampled_from(["contentBlockDelta", "contentBlockStart", "messageStop", "metadata"])


@given(said=OBJECTS, kind=KINDS)
@settings(max_examples=300)
def test_whatever_a_model_sends_is_read_or_a_typed_failure(said: dict[str, Any], kind: str) -> None:
    text = json.dumps(said).encode()
    headers = {":message-type": "event", ":event-type": kind}
    tries: list[Callable[[], object]] = [
        lambda: openai.read_answer(said),
        lambda: converse.read_answer(said),
        lambda: list(openai.Reader().feed(b"data: " + text + b"\n\n")),
        lambda: list(converse.Reader().feed(eventstream.write(headers, text))),
    ]
    for read in tries:
        try:
            read()
        except UpstreamFailed:
            continue


ANSWER = Answer(
    text="On its way.",
    stop=Stop.TOOL,
    tokens=Tokens(input=30, output=8, cached=10),
    tool_calls=(ToolCall("call_1", "find", '{"id":7}'),),
)


def test_a_whole_answer_is_the_same_on_either_wire() -> None:
    chat = openai.write_answer(ANSWER, answer_id="a", model="m", created=7)
    assert openai.read_answer(chat) == ANSWER
    assert converse.read_answer(converse.write_answer(ANSWER, latency_ms=5)) == ANSWER


@pytest.mark.parametrize("reason", ["malformed_tool_use", "malformed_model_output", None, "new"])
def test_a_garbled_answer_is_a_failure_whose_tokens_are_owed(reason: str | None) -> None:
    body = converse.write_answer(ANSWER, latency_ms=5) | {"stopReason": reason}
    with pytest.raises(UpstreamFailed) as caught:
        converse.read_answer(body)
    assert caught.value.tokens == ANSWER.tokens


def test_tokens_that_filled_a_cache_are_input_too() -> None:
    usage = {"inputTokens": 5, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 2}
    body = converse.write_answer(ANSWER, latency_ms=5) | {"usage": usage | {"outputTokens": 1}}
    assert converse.read_answer(body).tokens == Tokens(input=10, output=1, cached=3)
