"""A key's rates: requests and tokens a minute."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.cascade_counters.drivers import (
    Driver,
    play,
)


def test_a_minutes_requests_pass_at_once_and_then_one_by_one(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        passed = [await _admitted(counters, 1_000, requests_per_minute=30) for _ in range(31)]
        assert passed[:30] == [None] * 30
        assert passed[30] == pytest.approx(2, abs=0.002)
        assert await _admitted(counters, 1_001.9, requests_per_minute=30) is not None
        assert await _admitted(counters, 1_002, requests_per_minute=30) is None
        assert await _admitted(counters, 1_002, requests_per_minute=30) is not None

    play(driver, story)


def test_tokens_are_weighed_and_a_refused_request_counts_nowhere(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        limits = {"requests_per_minute": 100, "tokens_per_minute": 600}
        assert await _admitted(counters, 1_000, tokens=500, **limits) is None
        for _ in range(200):
            wait_s = await _admitted(counters, 1_000, tokens=200, **limits)
            assert wait_s == pytest.approx(10, abs=0.002)
        assert await _admitted(counters, 1_000, tokens=100, **limits) is None
        assert await _admitted(counters, 1_020, tokens=200, **limits) is None

    play(driver, story)


def test_a_request_larger_than_a_minute_passes_when_it_is_free_and_is_paid_off(
    driver: Driver,
) -> None:
    async def story(counters: Any) -> None:
        limit = {"tokens_per_minute": 600}
        assert await _admitted(counters, 1_000, tokens=1_200, **limit) is None
        assert await _admitted(counters, 1_059, **limit) is not None
        assert await _admitted(counters, 1_061, **limit) is None

    play(driver, story)


def test_without_limits_everything_passes(driver: Driver) -> None:
    async def story(counters: Any) -> None:
        replies = [await _admitted(counters, 1_000, tokens=10**9) for _ in range(50)]
        assert replies == [None] * 50

    play(driver, story)


async def _admitted(counters: Any, now_s: float, *, tokens: int = 1, **limits: Any) -> Any:
    asked = {"requests_per_minute": None, "tokens_per_minute": None, **limits}
    return await counters.admit(key="ab", tokens=tokens, now_s=now_s, **asked)
