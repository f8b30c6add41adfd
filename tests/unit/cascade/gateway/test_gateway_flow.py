"""A request through the gateway: who answers, what it costs, and what is written down."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cascade.adapters.memory import Act, cut, failing, throttled
from cascade.domain.invoker import Trouble
from cascade.domain.policy import Kind
from cascade.domain.request import Tokens
from tests.unit.cascade.gateway.counter import (
    GOOD,
    HEDGE,
    LARGE,
    MEDIUM,
    SMALL,
    Desk,
    desk,
    policy,
    run,
    said,
    snapshot,
)


def test_the_cheapest_model_answers_when_it_is_good_enough() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask()
        attempts, trials = await found.settled()

        assert reply.status == 200
        assert reply.json["choices"][0]["message"]["content"] == GOOD
        assert reply.headers["x-cascade-tier"] == "small"
        assert [each.model for each in attempts] == [SMALL]
        assert attempts[0].pico == 40 * 10**6 + 30 * 5 * 10**6
        assert trials[0].pico == attempts[0].pico
        assert trials[0].baseline_pico == 40 * 5 * 10**6 + 30 * 25 * 10**6
        assert trials[0].status == "answered"

    run(work)


def test_a_refusal_is_escalated_and_paid_for() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))])
        reply = await found.ask()
        attempts, trials = await found.settled()

        assert reply.headers["x-cascade-tier"] == "medium"
        assert reply.headers["x-cascade-attempts"] == "2"
        assert [each.model for each in attempts] == [SMALL, MEDIUM]
        assert trials[0].pico == sum(each.pico for each in attempts)
        assert trials[0].escalations == 1
        assert trials[0].tried[0]["findings"]

    run(work)


def test_the_last_stage_answers_whatever_it_says() -> None:
    async def work(found: Desk) -> None:
        bad = [Act(answer=said(HEDGE))]
        found.scripts(small=bad, medium=bad, large=[Act(answer=said("It depends on many things."))])
        reply = await found.ask()

        assert reply.status == 200
        assert reply.headers["x-cascade-tier"] == "large"

    run(work)


def test_a_request_may_name_a_stage_and_no_unknown_one() -> None:
    async def work(found: Desk) -> None:
        assert (await found.ask(model="medium")).headers["x-cascade-tier"] == "medium"
        wrong = await found.ask(model="gpt-4")
        assert wrong.status == 404
        assert "ask for one of chat, auto, small, medium, large" in wrong.json["error"]["message"]

    run(work)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ({"revoked": True}, "invalid_api_key"),
        ({"expires_at": "2026-01-01T00:00:00+00:00"}, "invalid_api_key"),
        ({"digest": "0" * 64}, "invalid_api_key"),
    ],
)
def test_a_key_that_ended_or_was_never_made_opens_nothing(key: dict[str, Any], code: str) -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask()
        assert reply.status == 401
        assert reply.json["error"]["code"] == code
        assert found.upstream.asked == []

    run(work, snapshot(key=key))


def test_a_newer_snapshot_revokes_a_key_for_the_next_request() -> None:
    async def work(found: Desk) -> None:
        assert (await found.ask()).status == 200
        found.gateway.holder.offer(snapshot(version=2, key={"revoked": True}))
        assert (await found.ask()).status == 401

    run(work)


def test_a_bad_snapshot_keeps_the_old_one_and_says_so() -> None:
    async def work(found: Desk) -> None:
        assert not found.gateway.holder.offer('{"version": 9, "cascades": 4}')
        assert (await found.ask()).status == 200
        ready = await found.get("/readyz")
        assert ready.status == 200
        assert b"could not be read" in ready.body

    run(work)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "JSON"),
        (b'{"model": "auto"}', "messages"),
        (b'{"model": "auto", "messages": [], "n": 3}', ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_malformed_request_is_told_what_is_wrong(raw: bytes, words: str) -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask(raw=raw)
        assert reply.status == 400
        assert words in json.dumps(reply.json)
        assert reply.json["error"]["type"] == "invalid_request_error"

    run(work)


def test_more_than_ten_mebibytes_are_refused_with_a_sentence() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask(raw=b"x" * (10 * 1024 * 1024 + 1))
        assert reply.status == 413
        assert "at most 10 MiB" in reply.json["error"]["message"]

    run(work)


def test_a_throttled_model_is_asked_again_and_each_call_is_a_row() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[throttled(), Act(answer=said(GOOD))])
        reply = await found.ask()
        attempts, _ = await found.settled()

        assert reply.headers["x-cascade-tier"] == "small"
        assert [(each.outcome, each.trouble) for each in attempts] == [
            ("failed", "throttled"),
            ("answered", ""),
        ]
        assert attempts[0].pico == 0

    run(work)


def test_when_everything_is_down_the_refusal_is_typed_and_nothing_is_charged() -> None:
    async def work(found: Desk) -> None:
        down = [failing(Trouble.OVERLOADED, status=503)]
        found.scripts(small=down, medium=down, large=down)
        reply = await found.ask()
        attempts, trials = await found.settled()

        assert reply.status == 503
        assert reply.json["error"]["code"] == "upstream_overloaded"
        assert int(reply.headers["retry-after"]) >= 1
        assert sum(each.pico for each in attempts) == 0
        assert trials[0].status == "failed"

    run(work)


def test_a_dead_stage_is_left_alone_after_enough_failures() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[failing(Trouble.OVERLOADED, status=503)])
        for _ in range(20):
            assert (await found.ask()).headers["x-cascade-tier"] == "medium"
        calls = sum(1 for target, _ in found.upstream.asked if target.address == SMALL)
        assert calls <= 20
        before = len(found.upstream.asked)
        await found.ask()
        assert [target.address for target, _ in found.upstream.asked[before:]] == [MEDIUM]

    run(work)


def test_a_limit_that_would_be_passed_is_refused_before_any_call() -> None:
    async def work(found: Desk) -> None:
        reply = await found.ask()
        assert reply.status == 429
        assert reply.json["error"]["code"] == "insufficient_quota"
        assert "The monthly limit of this feature" in reply.json["error"]["message"]
        assert found.upstream.asked == []
        _, trials = await found.settled()
        assert trials[0].status == "refused"

    run(work, snapshot(limits={"feature_micro": 10}))


def test_where_the_strong_model_is_too_dear_the_best_answer_so_far_is_given() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said("Maybe. It could be. Perhaps it is."))])
        reply = await found.ask(max_tokens=100)
        assert reply.status == 200
        assert reply.headers["x-cascade-tier"] == "small"
        _, trials = await found.settled()
        assert any("no budget" in each.get("failed", "") for each in trials[0].tried)

    # Enough for the small model's worst case, not for the medium one's.
    run(work, snapshot(policy(stages=_asking(0.99)), limits={"feature_micro": 900}))


def _asking(threshold: float) -> list[dict[str, Any]]:
    return [{**stage, "threshold": threshold} for stage in policy()["stages"]]


def test_near_the_end_of_the_budget_no_dear_stage_is_used_and_the_reason_says_so() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))])
        found.gateway.purse.shares[5] = 0.9
        await found.ask()
        _, trials = await found.settled()
        assert trials[0].plan["highest"] == "small"
        assert "90% of the month's budget is spent" in trials[0].plan["reason"]

    run(work, snapshot(policy(step_down=[{"at_share": 0.85, "highest": "small"}])))


def test_near_the_end_of_the_budget_a_stage_that_is_named_is_not_dearer_than_any_other() -> None:
    async def work(found: Desk) -> None:
        found.gateway.purse.shares[5] = 0.9
        reply = await found.ask(model="large")
        assert reply.headers["x-cascade-tier"] == "small"
        assert (await found.ask(model="small")).headers["x-cascade-tier"] == "small"
        _, trials = await found.settled()
        told = "the request names large; 90% of the month's budget is spent"
        assert trials[0].plan["reason"].startswith(told)
        assert trials[1].plan["reason"] == "the request names this stage"

    run(work, snapshot(policy(step_down=[{"at_share": 0.85, "highest": "small"}])))


def test_without_counters_nothing_is_spent_or_a_little_as_the_policy_says() -> None:
    async def refuses(found: Desk) -> None:
        found.counters.is_away = True
        reply = await found.ask()
        assert reply.status == 503
        assert reply.json["error"]["code"] == "budget_unknown"
        found.counters.is_away = False

    async def goes_on(found: Desk) -> None:
        found.counters.is_away = True
        assert (await found.ask()).status == 200
        found.counters.is_away = False
        attempts, _ = await found.settled()
        assert attempts[0].outcome == "answered"
        month = next(iter(found.counters.spent.values()))
        assert month["organisation"] == attempts[0].micro

    run(refuses)
    run(goes_on, snapshot(policy(without_counters="local")))


def test_a_hanging_model_ends_at_its_time_and_another_answers() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(hangs=True)])
        reply = await found.ask()
        assert reply.headers["x-cascade-tier"] == "medium"

    stages = [{**stage, "timeout_s": 0.2} for stage in policy()["stages"]]
    run(work, snapshot(policy(stages=stages)))


def test_a_client_that_leaves_ends_the_call_and_pays_for_its_prompt() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(hangs=True)])
        await found.ask(leaves_after_s=0.1)
        attempts, trials = await found.settled()
        assert [each.outcome for each in attempts] == ["cancelled"]
        assert attempts[0].tokens.input > 0
        assert trials[0].status == "cancelled"

    run(work)


def test_too_many_at_once_are_told_to_come_again() -> None:
    async def inside() -> None:
        async with desk(most_in_flight=1) as found:
            found.scripts(small=[Act(answer=said(GOOD), after_s=0.3)])
            first = asyncio.create_task(found.ask())
            await asyncio.sleep(0.1)
            second = await found.ask()
            assert second.status == 503
            assert second.headers["retry-after"] == "1"
            assert (await first).status == 200

    asyncio.run(inside())


def test_a_second_model_that_agrees_lets_a_doubtful_answer_pass() -> None:
    async def work(found: Desk) -> None:
        answer = "The total is 42."
        found.scripts(small=[Act(answer=said(answer))], large=[Act(answer=said(answer))])
        reply = await found.ask("What is 40 + 2?")
        attempts, _ = await found.settled()
        assert reply.headers["x-cascade-tier"] == "small"
        assert [(each.role, each.model) for each in attempts] == [
            ("stage", SMALL),
            ("partner", LARGE),
        ]

    partner = {"kind": "bedrock", "model": LARGE, "address": LARGE}
    stages = policy()["stages"]
    stages[0] |= {"partner": partner, "partner_when": "always"}
    run(work, snapshot(policy(stages=stages)))


def test_the_judge_is_asked_in_doubt_and_paid_for() -> None:
    async def work(found: Desk) -> None:
        found.scripts(large=[Act(answer=said('{"score": 0.95}', tokens=Tokens(90, 6)))])
        await found.ask()
        attempts, _ = await found.settled()
        assert ("judge", LARGE) in [(each.role, each.model) for each in attempts]

    judge = {"target": {"kind": "bedrock", "model": LARGE, "address": LARGE}, "low": 0, "high": 1}
    run(work, snapshot(policy(stages=_asking(0.999), judge=judge)))


def test_a_shadow_call_is_made_after_the_answer_and_counted_apart() -> None:
    async def work(found: Desk) -> None:
        await found.ask()
        attempts, trials = await found.settled()
        assert [(each.role, each.model) for each in attempts] == [
            ("stage", SMALL),
            ("shadow", LARGE),
        ]
        assert trials[0].shadow_pico == attempts[1].pico
        assert trials[0].pico == attempts[0].pico
        assert any("shadow" in each for each in trials[0].tried)

    run(work, snapshot(policy(shadow_share=1.0)))


def test_a_canary_answers_its_share_of_the_requests() -> None:
    async def work(found: Desk) -> None:
        for _ in range(200):
            await found.ask()
        _, trials = await found.settled()
        canaries = [each for each in trials if each.is_canary]
        assert 60 <= len(canaries) <= 140
        assert {each.policy for each in canaries} == {2}

    run(work, snapshot(canary={"number": 2, "policy": policy(), "share": 0.5}))


def test_the_rate_of_a_key_is_kept_with_and_without_the_counters() -> None:
    async def work(found: Desk) -> None:
        for _ in range(2):
            assert (await found.ask()).status == 200
        reply = await found.ask()
        assert reply.status == 429
        assert reply.json["error"]["code"] == "rate_limit_exceeded"

    run(work, snapshot(key={"requests_per_minute": 2}))


def test_who_is_turned_away_holds_spends_and_logs_nothing() -> None:
    async def work(found: Desk) -> None:
        assert (await found.ask()).status == 200
        # The first is asked about together with its money, the second before anything else.
        for _ in range(2):
            reply = await found.ask()
            assert reply.status == 429
            assert int(reply.headers["retry-after"]) > 0
        attempts, trials = await found.settled()
        assert (len(attempts), len(trials)) == (1, 1)
        assert len(found.upstream.asked) == 1

    run(work, snapshot(key={"requests_per_minute": 1}))


def test_whose_rate_and_budget_are_used_up_hears_of_the_rate() -> None:
    async def work(found: Desk) -> None:
        codes = [(await found.ask()).json["error"]["code"] for _ in range(3)]
        assert codes == ["insufficient_quota", "rate_limit_exceeded", "rate_limit_exceeded"]
        _, trials = await found.settled()
        assert [each.status for each in trials] == ["refused"]

    run(
        work,
        snapshot(key={"requests_per_minute": 1}, limits={"feature_micro": 0}),
    )


def test_prompts_are_not_kept_where_the_policy_keeps_none() -> None:
    async def work(found: Desk) -> None:
        await found.ask("secret \x00 words")
        _, trials = await found.settled()
        assert trials[0].prompt == ""
        assert trials[0].answer == ""

    run(work, snapshot(policy(logs_text=False)))


def test_bedrocks_wire_is_answered_on_its_own_path() -> None:
    async def work(found: Desk) -> None:
        raw = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}).encode()
        reply = await found.ask(raw=raw, path="/model/auto/converse")
        assert reply.json["output"]["message"]["content"][0]["text"] == GOOD
        wrong = await found.ask(raw=b"{}", path="/model/auto/converse")
        assert wrong.status == 400
        assert wrong.headers["x-amzn-errortype"].startswith("ValidationException")

    run(work)


def test_models_are_listed_for_who_has_a_key() -> None:
    async def work(found: Desk) -> None:
        from_key = await found.get("/v1/models", authorization=f"Bearer {_secret()}")
        assert [each["id"] for each in from_key.json["data"]] == [
            "chat", "auto", "small", "medium", "large",
        ]  # fmt: skip
        assert (await found.get("/v1/models")).status == 401
        assert (await found.get("/metrics")).status == 200

    run(work)


def _secret() -> str:
    return "slwk_0123abcd_" + "x" * 32


class Broken:
    """An upstream with a bug."""

    async def ask(self, target: Any, chat: Any, *, within_s: float) -> Any:
        raise KeyError("a bug")

    async def stream(self, target: Any, chat: Any, *, within_s: float) -> Any:
        raise KeyError("a bug")
        yield


@pytest.mark.parametrize("streams", [True, False])
def test_what_nobody_foresaw_ends_in_a_typed_answer_and_even_books(streams: bool) -> None:
    async def work(found: Desk) -> None:
        found.gateway.caller.upstreams = dict.fromkeys(Kind, Broken())
        reply = await found.ask(stream=streams)
        assert reply.status == 500
        assert reply.json["error"]["code"] == "internal"
        assert "bug" not in reply.body.decode()
        attempts, trials = await found.settled()
        assert len(attempts) == 1
        assert trials[0].http == 500

    run(work)


# Streams


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
