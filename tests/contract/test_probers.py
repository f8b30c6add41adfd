"""One contract for whoever sends a probe's requests: the real one over HTTP, and its twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from deployments.adapters.pretend_prober import PretendProber
from deployments.adapters.prober import prober
from deployments.domain.probing import Ask, Outcome, Prober, most_input
from tests.fixtures.servers import Sandbox

NOVA = "us.amazon.nova-micro-v1:0"
CALM = {"throttle": 0, "lost_answer": 0, "services": None, "seed": 7}


@dataclass(frozen=True, slots=True)
class World:
    """A way to send, and ways to make the next request fail."""

    send: Prober
    throttle: Callable[[], object]
    lose: Callable[[], object]


@pytest.fixture(params=["memory", "sandbox"])
def world(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[World]:
    if request.param == "memory":
        twin = PretendProber(known=frozenset({NOVA}))
        yield World(
            twin,
            lambda: twin.outcomes.append(Outcome.THROTTLED),
            lambda: twin.outcomes.append(Outcome.LOST),
        )
        return
    sandbox.reset()
    yield World(
        prober,
        lambda: sandbox.put("faults", {**CALM, "throttle": 1.0}),
        lambda: sandbox.put("faults", {**CALM, "lost_answer": 1.0}),
    )
    sandbox.put("faults", CALM)
    sandbox.reset()


def ask(**changes: object) -> Ask:
    asked = {"invoke_id": NOVA, "input_tokens": 120, "output_tokens": 40, "number": 1}
    return Ask(**asked | changes)


def test_an_answer_has_its_times_and_the_tokens_that_are_paid(world: World) -> None:
    heard = world.send(ask())

    assert heard.outcome is Outcome.ANSWERED
    assert 0 < heard.first_token_ms <= heard.answer_ms
    assert heard.tokens_per_s > 0
    assert heard.output_tokens == 40
    assert heard.words == ""


@pytest.mark.parametrize("input_tokens", [80, 300, 2_000])
def test_a_prompt_counts_about_what_was_asked_and_never_more_than_its_bound(
    world: World, input_tokens: int
) -> None:
    heard = world.send(ask(input_tokens=input_tokens))
    assert 0.9 * input_tokens <= heard.input_tokens <= most_input(input_tokens)


def test_what_is_throttled_is_said_so_and_has_no_times(world: World) -> None:
    world.throttle()
    heard = world.send(ask())
    assert heard.outcome is Outcome.THROTTLED
    assert "Too many requests" in heard.words
    assert (heard.first_token_ms, heard.answer_ms, heard.tokens_per_s) == (None, None, None)


def test_what_was_sent_and_never_heard_is_lost(world: World) -> None:
    world.lose()
    heard = world.send(ask())
    assert heard.outcome is Outcome.LOST
    assert heard.words
    assert heard.first_token_ms is None


@pytest.mark.parametrize(
    "changes", [{"invoke_id": "us.nobody.model-v1:0"}, {"output_tokens": 900_000}]
)
def test_what_cannot_be_answered_fails_with_awss_words(
    world: World, changes: dict[str, object]
) -> None:
    heard = world.send(ask(**changes))
    assert heard.outcome is Outcome.FAILED
    assert heard.words


def test_where_nothing_listens_nothing_was_sent() -> None:
    assert prober(ask()).outcome is Outcome.FAILED
