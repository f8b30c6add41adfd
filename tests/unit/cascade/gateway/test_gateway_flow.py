"""A request through the gateway: who answers, what it costs, and what is written down."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cascade.adapters.memory import Act, failing, throttled
from cascade.domain.gate.assessing import Verdict
from cascade.domain.invoker import Trouble
from cascade.domain.policy import Kind
from cascade.domain.request import Chat, Tokens
from cascade.gateway import senses
from tests.unit.cascade.gateway.counter import (
    GOOD,
    HEDGE,
    LARGE,
    MEDIUM,
    SMALL,
    Desk,
    asking,
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
    run(work, snapshot(policy(stages=asking(0.999), judge=judge)))


def test_shadow_calls_ask_the_other_stages_after_the_answer_and_count_apart() -> None:
    async def work(found: Desk) -> None:
        found.scripts(medium=[Act(answer=said("I'm not sure, it is hard to say."))])
        await found.ask()
        attempts, trials = await found.settled()
        assert [(each.role, each.model) for each in attempts] == [
            ("stage", SMALL),
            ("shadow", MEDIUM),
            ("shadow", LARGE),
        ]
        assert trials[0].shadow_pico == attempts[1].pico + attempts[2].pico
        assert trials[0].pico == attempts[0].pico
        small, medium = (each for each in trials[0].tried if "shadow" in each)
        assert (small["shadow"], small["of"], small["answer"]) == ("large", "small", GOOD)
        assert small["agreement"] > 0.9
        assert (medium["of"], medium["said"]) == ("medium", "I'm not sure, it is hard to say.")
        assert medium["agreement"] < 0.5
        assert 0 < medium["score"] < 0.9
        assert list(medium["like"]) == ["small"]
        assert small["like"] == {}

    run(work, snapshot(policy(shadow_share=1.0)))


def test_what_was_asked_anyway_is_laid_beside_the_strongest_without_another_call() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(HEDGE))], medium=[Act(answer=said(HEDGE))])
        await found.ask()
        attempts, trials = await found.settled()
        assert [each.role for each in attempts] == ["stage"] * 3
        beside = [each["of"] for each in trials[0].tried if "shadow" in each]
        assert beside == ["small", "medium"]

    run(work, snapshot(policy(shadow_share=1.0)))


def test_near_the_end_of_a_budget_nobody_pays_for_shadow_calls() -> None:
    async def work(found: Desk) -> None:
        found.gateway.caller.purse.shares[5] = 0.9
        await found.ask()
        attempts, _ = await found.settled()
        assert [each.role for each in attempts] == ["stage"]

    down = [{"at_share": 0.8, "highest": "medium"}]
    run(work, snapshot(policy(shadow_share=1.0, step_down=down)))


def test_a_canary_answers_its_share_of_the_requests() -> None:
    async def work(found: Desk) -> None:
        for _ in range(200):
            await found.ask()
        _, trials = await found.settled()
        canaries = [each for each in trials if each.is_canary]
        assert 60 <= len(canaries) <= 140
        assert {each.policy for each in canaries} == {2}

    run(work, snapshot(canary={"number": 2, "policy": policy(), "share": 0.5}))


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


def test_a_keys_cap_on_answers_does_not_cut_the_judge_short() -> None:
    async def work(found: Desk) -> None:
        found.scripts(large=[Act(answer=said('{"score": 0.95}', tokens=Tokens(90, 6)))])
        await found.ask()
        asked = [(target.address, chat.max_output_tokens) for target, chat in found.upstream.asked]
        assert asked[:2] == [(SMALL, 8), (LARGE, 64)]

    judge = {"target": {"kind": "bedrock", "model": LARGE, "address": LARGE}, "low": 0, "high": 1}
    body = policy(stages=asking(0.999), judge=judge)
    run(work, snapshot(body, key={"max_output_tokens": 8}))


def test_a_stage_whose_beginning_was_turned_down_is_asked_again_when_drawn() -> None:
    async def work(found: Desk) -> None:
        found.scripts(small=[Act(answer=said(f"{HEDGE} {GOOD}"))])
        await found.ask(stream=True)
        attempts, trials = await found.settled()
        roles = [(each.role, each.model) for each in attempts]
        assert ("shadow", SMALL) in roles
        assert "small" in [each.get("of") for each in trials[0].tried]

    run(work, snapshot(policy(streaming="commit", shadow_share=1.0)))


def test_a_scorer_that_cannot_look_costs_nobody_an_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    def assess(chat: Any, answer: Any, **more: Any) -> Verdict:
        seen.append(more)
        if more:
            raise TypeError("unhashable")
        return Verdict(0.9)

    monkeypatch.setattr("cascade.domain.gate.assessing.assess", assess)
    scorer: Any = SimpleNamespace(version="gate-1")
    verdict = senses.assessed(scorer, Chat(()), said(GOOD))
    assert verdict.p_good == 0.9
    assert len(seen) == 2
    assert "gate-1" in caplog.text
