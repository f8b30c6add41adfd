"""Each test runs with the counters in Valkey and with their twin in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.cascade_counters.drivers import Driver, InMemory, InValkey


@pytest.fixture(params=["memory", "valkey"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Return either, counting from nothing."""
    if request.param == "memory":
        yield InMemory()
    else:
        yield InValkey(request.getfixturevalue("cascade_url"))
