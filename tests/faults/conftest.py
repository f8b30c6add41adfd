"""Campaigns that take minutes run only when asked for: `make faults`."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "slow" in config.getoption("-m"):
        return
    only_when_asked = pytest.mark.skip(reason="a long campaign: `make faults`")
    for item in items:
        if item.path.parent.name == "faults" and item.get_closest_marker("slow"):
            item.add_marker(only_when_asked)
