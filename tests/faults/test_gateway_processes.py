"""Gateways that are stopped, killed and started cold; counters that die and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from cascade.adapters.counters import Counters
from cascade.gateway import process
from tests.environment import UNREACHABLE
from tests.fixtures.gateways import Case, Gateway, Place, place, published
from tests.fixtures.servers import wait_until

REFUSES = Case(1)
GOES_ON = Case(2, policy={"without_counters": "local"})
LATE = Case(3, ("late", "late", "late"), {"deadline_s": 20.0}, timeout_s=10.0)
HANGS = Case(4, ("hang", "hang", "hang"), {"deadline_s": 60.0}, timeout_s=60.0)
CLOCK = Case(5, ("clock", "none", "none"))
SLOW = Case(6, ("slow", "slow", "slow"), {"deadline_s": 20.0}, timeout_s=10.0)
LATE_LOCAL = replace(LATE, number=7, policy={**LATE.policy, "without_counters": "local"})
CRAWLS = Case(8, ("crawl", "crawl", "crawl"), {"deadline_s": 60.0}, timeout_s=60.0)
SHADOWED = Case(9, ("none", "late", "late"), {"shadow_share": 1.0}, timeout_s=10.0)
CASES = (REFUSES, GOES_ON, LATE, HANGS, CLOCK, SLOW, LATE_LOCAL, CRAWLS, SHADOWED)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Place]:
    """Counters of one test, and models."""
    with place(tmp_path) as found:
        found.publish(published(CASES))
        yield found


@dataclass(slots=True)
class Crowd:
    """Clients that ask at once, each in a thread."""

    pool: ThreadPoolExecutor

    def ask(
        self, gateway: Gateway, case: Case, *, count: int, **more: object
    ) -> list[Future[requests.Response]]:
        """Begin requests."""
        return [self.pool.submit(gateway.ask, case, **more) for _ in range(count)]


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Clients."""
    with ThreadPoolExecutor(32) as pool:
        yield Crowd(pool)


def is_ended(gateway: Gateway) -> bool:
    return gateway.process.poll() is not None


def test_who_is_told_to_stop_answers_what_is_under_way_and_writes_all_of_it_down(
    site: Place, crowd: Crowd
) -> None:
    with site.gateway() as gateway:
        whole = crowd.ask(gateway, LATE, count=6)
        streamed = crowd.ask(gateway, SLOW, count=4, stream=True, model="large")
        wait_until(lambda: site.redis.hlen("cascade:holds") == 10, what="all are under way")
        gateway.process.send_signal(signal.SIGTERM)
        replies = [each.result(20) for each in (*whole, *streamed)]
        assert [each.status_code for each in replies] == [200] * 10
        assert all("[DONE]" in each.result().text for each in streamed)
        assert gateway.process.wait(timeout=20) == 0
        with pytest.raises(requests.ConnectionError):
            gateway.says("/livez")
    for case, count in ((LATE, 6), (SLOW, 4)):
        attempts, trials = site.settled(case, trials=count)
        assert [each.outcome for each in attempts] == ["answered"] * count
        assert {each.status for each in trials} == {"answered"}
    assert site.redis.hlen("cascade:holds") == 0


def test_who_is_killed_leaves_holds_that_are_booked_as_lost(site: Place, crowd: Crowd) -> None:
    with site.gateway() as gateway:
        asked = crowd.ask(gateway, HANGS, count=5)
        wait_until(lambda: site.redis.hlen("cascade:holds") == 5, what="all are under way")
        gateway.kill()
        for each in asked:
            with pytest.raises(requests.ConnectionError):
                each.result(20)
    assert min(site.sums("held", HANGS)) > 0

    async def sweep(now_s: float) -> int:
        counters = Counters(site.store.cascade_url)
        try:
            return await counters.sweep(now_s=now_s)
        finally:
            await counters.close()

    assert asyncio.run(sweep(time.time())) == 0
    assert asyncio.run(sweep(time.time() + 120)) == 5
    attempts, trials = site.told(HANGS)
    assert [each.outcome for each in attempts] == ["lost"] * 5
    assert trials == []
    assert site.sums("held", HANGS) == {0}
    assert site.sums("spent", HANGS) == {sum(each.micro for each in attempts)}
    assert sum(each.micro for each in attempts) > 0


def test_without_counters_a_policy_refuses_or_goes_on_and_all_is_told_when_they_are_back(
    site: Place,
) -> None:
    with site.gateway() as gateway:
        assert gateway.ask(REFUSES).status_code == gateway.ask(GOES_ON).status_code == 200
        site.kill_counters()
        for _ in range(3):
            refused = gateway.ask(REFUSES)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "budget_unknown"
            assert int(refused.headers["retry-after"]) >= 1
            assert gateway.ask(GOES_ON).status_code == 200
        assert gateway.says("/readyz").status_code == 200
        assert "cascade_events_waiting" in gateway.says("/metrics").text
        site.start_counters()
        asked = [gateway.ask(REFUSES, model="medium").status_code]
        while asked[-1] != 200 and len(asked) < 50:
            time.sleep(0.1)
            asked.append(gateway.ask(REFUSES, model="medium").status_code)
        assert asked[-1] == 200
        attempts, trials = site.settled(GOES_ON, trials=4)
        assert [each.status for each in trials] == ["answered"] * 4
        assert len(attempts) == 4
        attempts, trials = site.settled(REFUSES, trials=4 + len(asked))
        assert sorted(each.status for each in trials) == ["answered"] * 2 + ["refused"] * (
            len(trials) - 2
        )
        assert len(attempts) == 2
        assert len(site.models.at(REFUSES.address("small")).bodies) == 1
    assert site.redis.hlen("cascade:holds") == 0


@pytest.mark.parametrize("case", [LATE, LATE_LOCAL], ids=["refuse", "local"])
def test_counters_that_die_while_models_answer_hear_of_it_when_they_are_back(
    site: Place, crowd: Crowd, case: Case
) -> None:
    with site.gateway() as gateway:
        asked = crowd.ask(gateway, case, count=4)
        wait_until(lambda: site.redis.hlen("cascade:holds") == 4, what="all are under way")
        # What the server wrote to its file survives it; what it holds is in there.
        site.kill_counters()
        assert [each.result(20).status_code for each in asked] == [200] * 4
        site.start_counters()
        attempts, trials = site.settled(case, trials=4)
        assert [each.outcome for each in attempts] == ["answered"] * 4
        assert len(trials) == 4
    assert site.redis.hlen("cascade:holds") == 0


def test_counters_that_lost_everything_are_not_trusted_until_they_are_rebuilt(site: Place) -> None:
    with site.gateway() as gateway:
        assert gateway.ask(REFUSES).status_code == 200
        site.redis.flushdb()
        refused = gateway.ask(REFUSES)
        assert refused.status_code == 503
        assert "not rebuilt" in refused.json()["error"]["message"]
        site.publish(published(CASES, version=2))
        assert gateway.ask(REFUSES).status_code == 200
        wait_until(lambda: site.redis.hlen("cascade:holds") == 0, what="nothing is held")


def test_a_cold_start_without_counters_answers_from_the_snapshot_it_kept(site: Place) -> None:
    kept = site.folder / "snapshot.json"
    with site.gateway(GATEWAY_SNAPSHOT_FILE=str(kept)) as gateway:
        assert gateway.ask(GOES_ON).status_code == 200
        site.settled(GOES_ON, trials=1)
    site.kill_counters()
    with site.gateway(GATEWAY_SNAPSHOT_FILE=str(kept)) as gateway:
        assert gateway.ask(GOES_ON).status_code == 200
        assert gateway.ask(REFUSES).json()["error"]["code"] == "budget_unknown"
        site.start_counters()
        site.settled(GOES_ON, trials=2)
        site.settled(REFUSES, trials=1)
    with site.gateway(GATEWAY_SNAPSHOT_FILE=str(kept)) as gateway:
        assert gateway.ask(REFUSES).status_code == 200


@pytest.mark.parametrize("kept", [b"", b"{", b'{"version": 7}', b"\xff\xfe"])
def test_a_spoilt_file_is_no_snapshot_and_keeps_nobody_from_starting(
    site: Place, kept: bytes
) -> None:
    file = site.folder / "snapshot.json"
    file.write_bytes(kept)
    with site.gateway(GATEWAY_SNAPSHOT_FILE=str(file)) as gateway:
        assert gateway.ask(REFUSES).status_code == 200
    assert file.read_text() == published(CASES)


def test_before_the_first_snapshot_everybody_is_told_to_come_again(site: Place) -> None:
    site.redis.delete("cascade:snapshot", "cascade:snapshot:version")
    with site.gateway(is_ready="/livez") as gateway:
        refused = gateway.ask(REFUSES)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "no_policies")
        assert gateway.says("/readyz").status_code == 503
        site.publish(published(CASES))
        wait_until(lambda: gateway.says("/readyz").ok, what="the first snapshot is in force")
        assert gateway.ask(REFUSES).status_code == 200


def test_a_key_that_is_revoked_mid_flight_gets_its_answer_and_pays_and_no_other(
    site: Place, crowd: Crowd
) -> None:
    with site.gateway() as gateway:
        (asked,) = crowd.ask(gateway, LATE, count=1)
        wait_until(lambda: site.redis.hlen("cascade:holds") == 1, what="it is under way")
        site.publish(published(CASES, version=2, revoked=[LATE]))
        assert asked.result(20).status_code == 200
        wait_until(
            lambda: "snapshot 2" in gateway.says("/readyz").text, what="the newer one is in force"
        )
        assert gateway.ask(LATE).status_code == 401
        assert gateway.ask(REFUSES).status_code == 200
        site.settled(LATE, trials=1)


def test_what_is_published_is_in_force_without_waiting_for_the_next_look(
    site: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LOOK_EVERY_S", 600.0)
    environ = {**os.environ, "CASCADE_URL": site.store.cascade_url}

    async def heard() -> bool:
        async with process.opened(process.settings(environ), environ) as gateway:
            with site.redis as server:
                while not server.pubsub_numsub("cascade:snapshot")[0][1]:
                    await asyncio.sleep(0.01)
            site.publish(published(CASES, version=2, revoked=[LATE]))
            for _ in range(1_000):
                snapshot = gateway.holder.current
                if snapshot is not None and snapshot.keys[LATE.prefix].is_revoked:
                    return True
                await asyncio.sleep(0.01)
        return False

    assert asyncio.run(heard())


def test_a_clock_that_is_wrong_is_set_by_awss_own(site: Place) -> None:
    with site.gateway() as gateway:
        assert gateway.ask(CLOCK).headers["x-cascade-tier"] == "small"
        assert gateway.ask(CLOCK).headers["x-cascade-tier"] == "small"
        attempts, _ = site.settled(CLOCK, trials=2)
        assert [each.outcome for each in attempts] == ["failed", "answered", "answered"]


def test_who_does_not_end_in_time_is_cut_told_so_and_written_down(
    site: Place, crowd: Crowd
) -> None:
    with site.gateway(GATEWAY_DRAIN_S="1") as gateway:
        whole = crowd.ask(gateway, HANGS, count=3)
        (streamed,) = crowd.ask(gateway, CRAWLS, count=1, stream=True, model="large")
        wait_until(lambda: site.redis.hlen("cascade:holds") == 4, what="all are under way")
        time.sleep(0.3)  # so that the stream has begun
        gateway.process.send_signal(signal.SIGTERM)
        for each in whole:
            assert each.result(20).status_code == 503
            assert each.result().json()["error"]["code"] == "draining"
        assert streamed.result(20).status_code == 200
        assert '"code":"draining"' in streamed.result().text.replace(" ", "")
        assert "[DONE]" not in streamed.result().text
        assert gateway.process.wait(timeout=20) == 0
    for case, count in ((HANGS, 3), (CRAWLS, 1)):
        attempts, trials = site.settled(case, trials=count)
        assert [each.outcome for each in attempts] == ["cancelled"] * count
        assert {(each.status, each.http) for each in trials} == {("cancelled", 503)}
    assert site.redis.hlen("cascade:holds") == 0


def test_while_it_drains_nobody_else_is_let_in(site: Place, crowd: Crowd) -> None:
    with site.gateway() as gateway:
        (asked,) = crowd.ask(gateway, LATE, count=1)
        wait_until(lambda: site.redis.hlen("cascade:holds") == 1, what="it is under way")
        gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: gateway.says("/readyz").text == "draining\n", what="it drains")
        refused = gateway.ask(REFUSES)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
        assert asked.result(20).status_code == 200
        assert gateway.process.wait(timeout=20) == 0
    assert site.told(REFUSES) == ([], [])


def test_processes_whose_parent_is_killed_end_too(site: Place, crowd: Crowd) -> None:
    with site.gateway(processes=2) as gateway:
        (asked,) = crowd.ask(gateway, LATE, count=1)
        wait_until(lambda: site.redis.hlen("cascade:holds") == 1, what="it is under way")
        gateway.process.kill()
        gateway.process.wait(timeout=10)
        assert asked.result(20).status_code == 200
        site.settled(LATE, trials=1)

        def is_gone() -> bool:
            try:
                gateway.says("/livez")
            except requests.ConnectionError:
                return True
            return False

        wait_until(is_gone, what="nobody answers any more")


def test_what_is_asked_beside_an_answer_is_written_down_before_the_end(
    site: Place, crowd: Crowd
) -> None:
    with site.gateway() as gateway:
        (asked,) = crowd.ask(gateway, SHADOWED, count=1)
        assert asked.result(20).headers["x-cascade-tier"] == "small"
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(timeout=20) == 0
    attempts, (trial,) = site.settled(SHADOWED, trials=1)
    assert [each.role for each in attempts] == ["stage", "shadow", "shadow"]
    assert trial.shadow_pico > 0
    assert [each["of"] for each in trial.tried if "shadow" in each] == ["small", "medium"]


def test_models_that_nobody_can_reach_are_named_so(site: Place) -> None:
    with site.gateway(AWS_ENDPOINT_URL=UNREACHABLE) as gateway:
        refused = gateway.ask(REFUSES)
        assert refused.status_code == 502
        assert refused.json()["error"]["code"] == "upstream_unreachable"
        attempts, _ = site.settled(REFUSES, trials=1)
        assert {each.trouble for each in attempts} == {"unreachable"}
        assert sum(each.micro for each in attempts) == 0
