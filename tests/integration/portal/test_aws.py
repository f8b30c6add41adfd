"""What is sent to AWS, and what is not sent any more."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.conf import settings

from portal import aws
from tests.fixtures.servers import Sandbox


@pytest.fixture
def calls(sandbox: Sandbox) -> Iterator[SimpleNamespace]:
    sandbox.reset()
    yield SimpleNamespace(made=lambda: len(aws.client("iam").list_roles()["Roles"]))
    sandbox.reset()


def _create_role() -> None:
    aws.client("iam").create_role(RoleName="late", AssumeRolePolicyDocument="{}")


def test_a_call_that_could_outlive_its_lease_is_never_sent(calls: SimpleNamespace) -> None:
    one_call = settings.AWS_CONNECT_SECONDS + settings.AWS_CALL_SECONDS
    with aws.within(seconds=one_call - 0.5), pytest.raises(aws.TooLate, match="Not sent"):
        _create_role()
    assert calls.made() == 0


def test_a_call_with_time_enough_is_sent(calls: SimpleNamespace) -> None:
    with aws.within(seconds=settings.LEASE_SECONDS):
        _create_role()
    assert calls.made() == 1


def test_the_limit_ends_with_its_block(calls: SimpleNamespace) -> None:
    with aws.within(seconds=0), pytest.raises(aws.TooLate):
        _create_role()
    _create_role()
    assert calls.made() == 1
