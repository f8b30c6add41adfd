"""The snippets of each tier really call what was launched in the sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import reconciler
from deployments.domain.lifecycle import State
from deployments.domain.options import LAUNCHABLE, Tier
from deployments.domain.snippet import Place, snippets
from deployments.models import Deployment
from deployments.queries import operations
from deployments.queries.facing import snippets_of
from tests.fixtures.options import option
from tests.fixtures.servers import Sandbox, wait_until
from tests.integration.deployments.drill import Drill


@pytest.fixture
def quick(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.put("delays", {"latency_scale": 0})
    yield sandbox
    sandbox.reset()


def build(deployment: Deployment) -> None:
    """Take steps until it is ready; ahead of time, so that nothing is waited for."""

    def is_ready() -> bool:
        later = timezone.now() + timedelta(minutes=10)
        for pk in operations.due_of(deployment=deployment, now=later):
            try:
                reconciler.reconcile(resource_id=pk, clock=lambda: later)
            except reconciler.Busy:
                continue
        deployment.refresh_from_db()
        return deployment.state == State.READY

    wait_until(is_ready, what=f"{deployment.slug} becomes ready")


def run(command: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
    """Run in an environment without any AWS settings: the snippet must bring all it needs."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        command, input=stdin, env=bare, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tier", sorted(LAUNCHABLE))
def test_what_is_pasted_is_answered(drill: Drill, quick: Sandbox, tier: Tier) -> None:
    deployment = drill.launch(option(tier))
    build(deployment)
    curl, python = (code for _, code in snippets_of(deployment))
    said = run([sys.executable, "-"], python)

    assert said.returncode == 0, said.stderr
    assert said.stdout.strip()
    if shutil.which("curl"):
        fetched = run(["bash", "-e"], curl)
        assert fetched.returncode == 0, fetched.stdout + fetched.stderr


@pytest.mark.parametrize("tier", sorted(LAUNCHABLE))
def test_on_aws_the_keys_are_the_callers_own(tier: Tier) -> None:
    outputs = {"arn": "arn:aws:bedrock:us-east-1:1:x/y", "url": "https://x.lambda-url.aws/"}
    found = dict.fromkeys(("profile", "throughput", "url", "endpoint"), ("n", outputs))
    curl, python = snippets(tier=tier, found=found, place=Place("us-east-1"))

    assert '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"' in curl.code
    assert "x-amz-security-token: $AWS_SESSION_TOKEN" in curl.code
    assert "aws_secret_access_key" not in python.code
    assert "endpoint_url" not in python.code
    compile(python.code, "snippet", "exec")


def test_nothing_is_shown_before_aws_has_told_an_address() -> None:
    place = Place("us-east-1")

    assert snippets(tier=Tier.LAMBDA_BEDROCK, found={}, place=place) == ()
    assert snippets(tier=Tier.LAMBDA_BEDROCK, found={"url": ("n", {})}, place=place) == ()
