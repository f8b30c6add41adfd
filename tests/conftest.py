"""What every test stands on: an environment set before Django loads, people, and servers."""

import django
import pytest

import tests.environment

# Here and not by pytest-django, which would read the settings before this file.
django.setup()

assert tests.environment.HOME.exists()
pytest_plugins = ["tests.fixtures.people", "tests.fixtures.servers", "tests.fixtures.counters"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests with a browser come last.

    From the first of them on, Playwright keeps an event loop running in this thread, and no other
    test could run one of its own.
    """
    items.sort(key=lambda item: "playwright" in getattr(item, "fixturenames", ()))
