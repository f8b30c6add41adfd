"""What every test stands on: an environment set before Django loads, people, and servers."""

import django

import tests.environment

# Here and not by pytest-django, which would read the settings before this file.
django.setup()

assert tests.environment.HOME.exists()
pytest_plugins = ["tests.fixtures.people", "tests.fixtures.servers", "tests.fixtures.counters"]
