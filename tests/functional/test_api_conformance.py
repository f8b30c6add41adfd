"""The API does what its document says, for requests that fit it and for requests that do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from rest_framework.test import APIClient
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.models import Feature, User
from portal.rest import reference
from tests.functional.portal.world import Address, World, build

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ONLY_GENERATE = hypothesis.settings(
    max_examples=6,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def world(feature: Feature, lead: User) -> World:
    return build(feature=feature, lead=lead)


@pytest.fixture
def key(api: Any, platform_engineer: User, monkeypatch: pytest.MonkeyPatch) -> str:
    """A platform engineer's key, which may ask as often as it likes."""
    cache.clear()
    monkeypatch.setattr("portal.rest.throttling.PerKey.rate", None, raising=False)
    client: APIClient = api(platform_engineer)
    return str(client._credentials["HTTP_AUTHORIZATION"])


@pytest.fixture
def schema() -> Iterator[Any]:
    """The document with the application behind it, inside the test's transaction."""
    found = schemathesis.openapi.from_dict(reference.document())
    found.app = get_wsgi_application()
    # The key is always right here; wrong ones have their own tests.
    found.config.generation.with_security_parameters = False
    # As Django's own test client does: a request must not close the test's connection.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield found
    for signal in signals:
        signal.connect(close_old_connections)


def _run(operation: Any, mode: GenerationMode, *, key: str, world: World | None) -> None:
    """Send what the operation's description generates; real things in the path when given."""
    checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS

    @ONLY_GENERATE
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        if world is not None and case.path_parameters and not _is_wrong_path(case):
            address = Address("", operation.path.lstrip("/").replace("{", "<").replace("}", ">"))
            names = {name: world._value(address, name) for name in case.path_parameters}
            case.path_parameters.update(names)
        case.call_and_validate(headers={"Authorization": key}, checks=checks)

    send()


def _is_wrong_path(case: Case) -> bool:
    path = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    return path is not None and path.mode is GenerationMode.NEGATIVE


def _can_be_asked_wrongly(operation: Any) -> bool:
    """Say whether there is more to it than a name in the path, which is right or not found."""
    return any(len(part) for part in (operation.query, operation.body, operation.headers))


def _first_words(failure: BaseException) -> str:
    parts = failure.exceptions if isinstance(failure, BaseExceptionGroup) else (failure,)
    return " | ".join(str(part)[:600] for part in parts)


def _run_all(schema: Any, mode: GenerationMode, *, key: str, world: World | None) -> None:
    """Run every operation of every app, and fail with all that went wrong."""
    found = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not _can_be_asked_wrongly(operation):
            continue
        try:
            _run(operation, mode, key=key, world=world)
        except (Exception, BaseExceptionGroup) as failure:
            found.append(f"{operation.label}: {_first_words(failure)}")
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)


def test_requests_that_fit_the_document_are_answered_as_it_says(
    schema: Any, key: str, world: World
) -> None:
    _run_all(schema, GenerationMode.POSITIVE, key=key, world=world)


def test_requests_that_do_not_fit_the_document_are_refused(
    schema: Any, key: str, world: World
) -> None:
    _run_all(schema, GenerationMode.NEGATIVE, key=key, world=world)


def test_names_nobody_has_used_are_not_found(schema: Any, key: str) -> None:
    _run_all(schema, GenerationMode.POSITIVE, key=key, world=None)
