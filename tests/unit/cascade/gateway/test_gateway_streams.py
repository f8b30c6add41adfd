"""Streams of the gateway: what a client sees, when, and how a stream ends."""

from __future__ import annotations

import json

import pytest

from cascade.adapters.memory import Act, cut, throttled
from cascade.domain.gate import assessing
from cascade.domain.gate.assessing import Verdict
from cascade.domain.request import Chat
from cascade.gateway import senses
from tests.unit.cascade.gateway.counter import (
    GOOD,
    HEDGE,
    SMALL,
    Desk,
    asking,
    policy,
    run,
    said,
    snapshot,
)


def events(body: bytes) -> list[str]:
    return [line for line in body.decode().split("\n\n") if line]


def text_of(body: bytes) -> str:
    found = ""
    for event in events(body):
        if event.startswith("data: {"):
            for choice in json.loads(event[6:]).get("choices", []):
                found += choice["delta"].get("content") or ""
    return found


def test_what_goes_straight_to_the_last_stage_streams_at_once() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask(model="large", stream=True)
        assert reply.status == 200
        assert reply.headers["content-type"] == "text/event-stream"
        assert text_of(reply.body) == GOOD
        assert events(reply.body)[-1] == "data: [DONE]"
        assert len(reply.parts) > 10

    run(work)


def test_a_buffered_stream_shows_nothing_of_a_rejected_answer() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))])
        reply = await found.ask(stream=True)
        assert text_of(reply.body) == GOOD
        assert "sorry" not in reply.body.decode()
        assert reply.headers["x-cascade-tier"] == "medium"

    run(work)


def test_a_commit_stream_begins_after_a_good_first_sentence() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask(stream=True)
        assert text_of(reply.body) == GOOD
        assert len(reply.parts) > 10
        attempts, _ = await found.settled()
        assert [each.model for each in attempts] == [SMALL]

    run(work, snapshot(policy(streaming="commit")))


def test_a_good_first_sentence_is_shown_with_its_last_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def begun(chat: Chat, text: str) -> Verdict:
        seen.append(text)
        return assessing.prefix(chat, text)

    async def work(found: Desk) -> None:
        await found.ask(stream=True)
        assert seen == [GOOD.partition(".")[0] + "."]

    monkeypatch.setattr(senses, "begun", begun)
    run(work, snapshot(policy(streaming="commit")))


def test_a_commit_stream_drops_a_refusal_unseen_and_leaves_its_model() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(f"{HEDGE} {GOOD}"), between_s=0.005)])
        reply = await found.ask(stream=True)
        assert "sorry" not in reply.body.decode()
        assert text_of(reply.body) == GOOD
        attempts, _ = await found.settled()
        assert [each.outcome for each in attempts] == ["cancelled", "answered"]
        assert attempts[0].tokens.output > 0

    run(work, snapshot(policy(streaming="commit")))


def test_an_optimistic_stream_replaces_only_for_who_declares_it() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))])
        declared = await found.ask(stream=True, headers={"x-cascade-replace": "1"})
        assert "event: replace" in declared.body.decode()
        assert "sorry" in declared.body.decode()
        silent = await found.ask(stream=True)
        assert "sorry" not in silent.body.decode()

    run(work, snapshot(policy(streaming="optimistic")))


def test_a_cut_stream_never_looks_like_a_clean_end() -> None:
    async def work(found: Desk) -> None:
        found.scripts(large=[cut(after_pieces=3, answer=said(GOOD))])
        reply = await found.ask(model="large", stream=True)
        assert "[DONE]" not in reply.body.decode()
        assert '"error"' in reply.body.decode()
        attempts, trials = await found.settled()
        assert [each.outcome for each in attempts] == ["failed"]
        assert attempts[0].tokens.output > 0
        assert trials[0].status == "failed"

    run(work)


def test_a_stream_that_fails_before_its_first_word_is_asked_again() -> None:
    async def work(found: Desk) -> None:
        found.scripts(large=[throttled(), Act(answer=said(GOOD))])
        reply = await found.ask(model="large", stream=True)
        assert text_of(reply.body) == GOOD

    run(work)


def test_a_client_that_leaves_a_stream_ends_it_and_pays_for_what_it_read() -> None:
    async def work(found: Desk) -> None:
        found.scripts(large=[Act(answer=said(GOOD), between_s=0.05)])
        await found.ask(model="large", stream=True, leaves_after_s=0.3)
        attempts, trials = await found.settled()
        assert [each.outcome for each in attempts] == ["cancelled"]
        assert attempts[0].tokens.output > 0
        assert trials[0].status == "cancelled"
        assert found.upstream.left == 1

    run(work)


def test_the_end_of_a_stream_tells_what_it_cost() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask(stream=True, stream_options={"include_usage": True})
        told = [each for each in events(reply.body) if each.startswith(": x-cascade ")]
        assert json.loads(told[0][12:])["x-cascade-tier"] == "small"

    run(work)


@pytest.mark.parametrize("streaming", ["commit", "buffered"])
def test_who_waits_for_a_slow_beginning_hears_that_somebody_is_at_it(
    streaming: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cascade.gateway.streaming.KEEP_ALIVE_S", 0.02)

    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(GOOD), after_s=0.15)])
        reply = await found.ask(stream=True)
        comments = [part for part in reply.parts if part.startswith(b": ") and b"work" in part]
        assert len(comments) >= 2
        assert text_of(reply.body) == GOOD
        assert reply.parts.index(comments[-1]) < next(
            place for place, part in enumerate(reply.parts) if b"Your" in part
        )

    run(work, snapshot(policy(streaming=streaming)))


def test_a_stream_that_has_begun_hears_no_more_signs_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cascade.gateway.streaming.KEEP_ALIVE_S", 0.02)

    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(GOOD), between_s=0.01)])
        reply = await found.ask(stream=True)
        begun = next(place for place, part in enumerate(reply.parts) if b"Your" in part)
        assert not any(b"still working" in part for part in reply.parts[begun:])
        assert text_of(reply.body) == GOOD

    run(work, snapshot(policy(streaming="commit")))


def test_an_optimistic_stream_goes_as_far_up_as_a_plain_answer() -> None:
    async def work(found: Desk) -> None:
        plain = await found.ask()
        reply = await found.ask(stream=True, headers={"x-cascade-replace": "1"})
        assert plain.headers["x-cascade-tier"] == "large"
        _, trials = await found.settled()
        assert [each.stage for each in trials] == ["large", "large"]
        assert text_of(reply.body).endswith(GOOD)

    run(work, snapshot(policy(streaming="optimistic", stages=asking(0.99))))


def test_an_optimistic_stream_that_is_cut_is_replaced_by_the_next_stages_answer() -> None:
    async def work(found: Desk) -> None:
        found.scripts(
            small=[cut(after_pieces=3, answer=said(HEDGE))], medium=[Act(answer=said(GOOD))]
        )
        reply = await found.ask(stream=True, headers={"x-cascade-replace": "1"})
        shown = reply.body.decode()
        attempts, trials = await found.settled()

        assert shown.index("sorry") < shown.index("event: replace") < shown.index("Your")
        assert "[DONE]" in shown
        assert [each.outcome for each in attempts] == ["failed", "answered"]
        assert trials[0].status == "answered"
        assert trials[0].stage == "medium"

    run(work, snapshot(policy(streaming="optimistic")))


def test_a_wire_without_replacement_never_shows_what_may_be_replaced() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))])
        body = {"messages": [{"role": "user", "content": [{"text": "Where is my order?"}]}]}
        reply = await found.ask(
            raw=json.dumps(body).encode(),
            path="/model/auto/converse-stream",
            headers={"x-cascade-replace": "1"},
        )
        assert reply.status == 200
        assert b"sorry" not in reply.body

    run(work, snapshot(policy(streaming="optimistic")))
