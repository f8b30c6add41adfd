"""Where the counters live when nobody says so."""

from __future__ import annotations

import pytest

from portal.environment import beside


@pytest.mark.parametrize(
    "cache, counters",
    [
        ("", ""),
        ("redis://valkey:6379/1", "redis://valkey:6379/2"),
        ("rediss://:secret@valkey:6380", "rediss://:secret@valkey:6380/2"),
        ("unix:///run/valkey.sock?db=1", "unix:///run/valkey.sock?db=2"),
        (
            "unix:///run/valkey.sock?password=a%26b&db=1",
            "unix:///run/valkey.sock?password=a%26b&db=2",
        ),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock?db=2"),
    ],
)
def test_counters_live_beside_the_cache_in_a_database_of_their_own(
    cache: str, counters: str
) -> None:
    assert beside(cache, database=2) == counters
