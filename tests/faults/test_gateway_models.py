"""Models that fail, hang, trickle, break and lie, behind a real gateway that has no PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.cascade.servers import TEXT
from tests.fixtures.gateways import Case, Gateway, Place, place, published
from tests.fixtures.servers import wait_until
from tests.unit.cascade.gateway import counter

DEADLINE_S = 3.0
# Longer than any deadline of ours can be exceeded by a machine that is merely slow.
PATIENCE_S = 8.0
WHOLE = ("throttled", "failed", "refused", "hang", "trickle", "cut", "malformed", "endless")
WHOLE += ("redirect", "uncounted", "packed", "skewed")
COMMIT = {"streaming": "commit"}
OUTCOMES = {
    "throttled": (429, "upstream_throttled"),
    "failed": (503, "upstream_overloaded"),
    "refused": (400, "upstream_refused"),
    "hang": (504, "deadline_exceeded"),
    "trickle": (504, "deadline_exceeded"),
    "cut": (502, "upstream_broken"),
    "malformed": (502, "upstream_broken"),
    "uncounted": (502, "upstream_broken"),
    "packed": (502, "upstream_broken"),
    "redirect": (400, "upstream_refused"),
    "skewed": (503, "upstream_overloaded"),
}
ONE_BAD = {does: Case(100 + n, (does, "none", "none")) for n, does in enumerate(WHOLE)}
ALL_BAD = {does: Case(200 + n, (does,) * 3) for n, does in enumerate(OUTCOMES)}
COMMITTED = {does: Case(300 + n, (does, "none", "none"), COMMIT) for n, does in enumerate(WHOLE)}
SLOW = Case(400, ("slow", "slow", "slow"), timeout_s=20.0)
HANGING = Case(401, ("hang", "hang", "hang"), {"deadline_s": 20.0}, timeout_s=20.0)
STORM = Case(402, ("throttled", "none", "none"))
LONG = Case(404)
CASES = (
    *ONE_BAD.values(), *ALL_BAD.values(), *COMMITTED.values(), SLOW, HANGING, STORM, LONG
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Counters and models."""
    with place(tmp_path_factory.mktemp("models")) as found:
        found.publish(published(CASES))
        yield found


@pytest.fixture(scope="module")
def gateway(site: Place) -> Iterator[Gateway]:
    """A gateway between them."""
    with site.gateway() as found:
        yield found


def events(reply: requests.Response) -> list[dict[str, object]]:
    """Return what a stream said, without its end."""
    lines = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def text_of(reply: requests.Response) -> str:
    found = []
    for each in events(reply):
        for choice in each.get("choices", ()):  # type: ignore[attr-defined]
            found.append(choice["delta"].get("content") or "")
    return "".join(found)


@pytest.mark.parametrize("does", WHOLE)
def test_one_bad_model_costs_nobody_an_answer(gateway: Gateway, site: Place, does: str) -> None:
    case = ONE_BAD[does]
    for is_streamed in (False, True):
        began_s = time.monotonic()
        reply = gateway.ask(case, stream=is_streamed)
        assert time.monotonic() - began_s < PATIENCE_S
        assert reply.status_code == 200
        said = text_of(reply) if is_streamed else reply.json()["choices"][0]["message"]["content"]
        assert said == TEXT
        assert reply.headers["x-cascade-tier" if not is_streamed else "content-type"] in (
            "medium",
            "text/event-stream",
        )
    attempts, trials = site.settled(case, trials=2)
    assert [each.status for each in trials] == ["answered", "answered"]
    assert {each.outcome for each in attempts if each.stage == "small"} == {"failed"}
    assert {each.outcome for each in attempts if each.stage == "medium"} == {"answered"}


@pytest.mark.parametrize("does", WHOLE)
def test_a_stream_that_commits_shows_no_word_of_an_answer_that_broke_early(
    gateway: Gateway, site: Place, does: str
) -> None:
    reply = gateway.ask(COMMITTED[does], stream=True)
    assert reply.status_code == 200
    said = text_of(reply)
    if "[DONE]" in reply.text:
        assert said == TEXT
    else:  # The first sentence was shown, and then it broke: the client is told so.
        assert does == "uncounted"
        assert "error" in events(reply)[-1]
    site.settled(COMMITTED[does], trials=1)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("does", OUTCOMES)
def test_when_every_model_is_bad_the_client_is_told_which_way_and_in_time(
    gateway: Gateway, site: Place, does: str, is_streamed: bool
) -> None:
    case = ALL_BAD[does]
    before = len(site.told(case)[1])
    began_s = time.monotonic()
    reply = gateway.ask(case, stream=is_streamed)
    assert time.monotonic() - began_s < PATIENCE_S
    status, code = OUTCOMES[does]
    if reply.status_code == 200:  # It had begun when it broke.
        assert is_streamed
        assert does in ("cut", "malformed", "uncounted")
        assert "[DONE]" not in reply.text
        told = events(reply)[-1]["error"]
    else:
        assert reply.status_code == status
        told = reply.json()["error"]
    assert isinstance(told, dict)
    assert told["code"] == code
    assert ("retry-after" in reply.headers) is (status in (429, 503))
    attempts, trials = site.settled(case, trials=before + 1)
    assert trials[-1].status == "failed"
    assert trials[-1].http == status
    assert {each.outcome for each in attempts} == {"failed"}


def test_a_storm_of_throttling_is_answered_by_others_and_ends_at_the_breaker(
    gateway: Gateway, site: Place
) -> None:
    for _ in range(30):
        assert gateway.ask(STORM).headers["x-cascade-tier"] == "medium"
    attempts, _ = site.settled(STORM, trials=30)
    throttled = [each for each in attempts if each.trouble == "throttled"]
    assert 10 <= len(throttled) < 20
    assert sum(each.pico for each in throttled) == 0
    assert len(site.models.at(STORM.address("small")).bodies) == len(throttled)
    assert f'target="{STORM.address("small")}",state="open"' in gateway.says("/metrics").text


def test_a_client_that_leaves_mid_stream_ends_the_models_work_and_pays_for_what_was_said(
    gateway: Gateway, site: Place
) -> None:
    asked = {"model": "large", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    with requests.post(
        f"{gateway.url}/v1/chat/completions",
        json=asked,
        headers={"authorization": f"Bearer {SLOW.secret}"},
        stream=True,
        timeout=10,
    ) as reply:
        assert reply.status_code == 200
        assert next(reply.iter_lines())
    model = site.models.at(SLOW.address("large"))
    wait_until(lambda: model.gone == 1, what="the model hears that nobody listens")
    attempts, trials = site.settled(SLOW, trials=1)
    assert [each.outcome for each in attempts] == ["cancelled"]
    assert attempts[0].tokens.input > 0
    assert (trials[0].status, trials[0].http) == ("cancelled", 499)


def test_a_client_that_leaves_before_any_word_ends_the_models_work(
    gateway: Gateway, site: Place
) -> None:
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{gateway.url}/v1/chat/completions",
            json={"model": "auto", "messages": [{"role": "user", "content": "Hello"}]},
            headers={"authorization": f"Bearer {HANGING.secret}"},
            timeout=0.5,
        )
    model = site.models.at(HANGING.address("small"))
    wait_until(lambda: model.gone == 1, what="the model hears that nobody listens")
    attempts, trials = site.settled(HANGING, trials=1)
    assert [each.outcome for each in attempts] == ["cancelled"]
    assert trials[0].status == "cancelled"


def test_a_prompt_of_almost_ten_mebibytes_is_answered(gateway: Gateway, site: Place) -> None:
    text = "word " * (2 * 1024 * 1024 - 100)
    reply = gateway.ask(LONG, text=text)
    assert reply.status_code == 200
    (body,) = site.models.at(LONG.address("small")).bodies
    assert body["messages"] == [{"role": "user", "content": [{"text": text}]}]
    attempts, trials = site.settled(LONG, trials=1)
    assert attempts[0].tokens.input == 12
    assert len(trials[0].prompt) == 8_000


def test_a_prompt_that_is_too_long_is_refused_before_all_of_it_came(gateway: Gateway) -> None:
    port = int(gateway.url.rpartition(":")[2])
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer "
        f"{LONG.secret}\r\nContent-Length: 1000000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(head.encode())
        client.sendall(b"x" * (10 * 1024 * 1024 + 1))
        assert client.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_the_gateway_knows_no_database(gateway: Gateway) -> None:
    environ = Path(f"/proc/{gateway.process.pid}/environ").read_bytes()
    assert b"DATABASE_URL" not in environ
    assert b"DJANGO_SETTINGS_MODULE" not in environ
    assert gateway.says("/livez").text == "alive\n"
    assert gateway.says("/readyz").text == "ready with snapshot 1.\n"


def test_a_request_that_never_ends_gives_its_place_back() -> None:
    async def inside() -> list[dict[str, Any]]:
        async with counter.desk() as found:
            found.gateway.body_s = 0.1
            sent: list[dict[str, Any]] = []
            parts = iter([{"type": "http.request", "body": b'{"model": ', "more_body": True}])

            async def receive() -> dict[str, Any]:
                for part in parts:
                    return part
                return await asyncio.Future()

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            path = "/v1/chat/completions"
            headers = [(b"authorization", f"Bearer {counter.SECRET}".encode())]
            scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
            await found.gateway(scope, receive, send)
            assert found.gateway.in_flight == 0
            assert found.upstream.asked == []
            return sent

    start, body = asyncio.run(inside())
    assert start["status"] == 408
    assert json.loads(body["body"])["error"]["code"] == "slow_request"
