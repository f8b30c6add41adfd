"""What every test stands on: an environment set before Django loads, people, and servers."""

import asyncio
import os
from collections.abc import Iterator

import django
import pytest
from django.db import connections
from hypothesis import HealthCheck, settings

import tests.environment

# Here and not by pytest-django, which would read the settings before this file.
django.setup()

assert tests.environment.HOME.exists()
# How long one example takes says nothing on a machine that other work shares.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
pytest_plugins = ["tests.fixtures.people", "tests.fixtures.servers", "tests.fixtures.counters"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each process beside this one make an environment and a server of its own."""
    del os.environ["DJANGO_SETTINGS_MODULE"]
    if tests.environment.OWN_SERVER:
        del os.environ["DATABASE_URL"]


# What takes minutes comes first, so that several processes end at about the same time.
LONGEST_FIRST = ("tests/functional/journeys/", "tests/faults/", "tests/integration/platform/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files come first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST_FIRST))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test without a browser run an event loop of its own.

    From the first test with a browser on, Playwright's loop counts as running in this thread; and
    Django keeps other connections in a thread with a loop than in one without.
    """
    of_the_browser = asyncio._get_running_loop()
    is_with_a_browser = "playwright" in getattr(item, "fixturenames", ())
    if not is_with_a_browser:
        asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        if is_with_a_browser:
            connections.close_all()
        else:
            asyncio._set_running_loop(of_the_browser)
