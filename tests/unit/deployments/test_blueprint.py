"""What each tier is made of, under which names, with which permissions."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.blueprint import blueprint
from deployments.domain.blueprint.endpoints import takes_volume
from deployments.domain.blueprint.names import LONGEST, SLUG, default_slug
from deployments.domain.blueprint.plan import permissions, plan
from deployments.domain.blueprint.spec import Kind, in_place, references, resolve
from deployments.domain.options import LAUNCHABLE, Size, Tier
from tests.fixtures.options import names, option

TIERS = sorted(LAUNCHABLE)
# botocore's pattern of SageMaker names, the strictest of all.
NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def made(tier: Tier, **changes: object):
    return blueprint(option=option(tier, **changes), names=names())


def kinds(tier: Tier) -> list[str]:
    return [each.kind.value for each in made(tier)]


def test_each_tier_is_made_of_what_aws_needs_for_it() -> None:
    assert kinds(Tier.BEDROCK_ON_DEMAND) == ["bedrock.inference-profile"]
    assert kinds(Tier.BEDROCK_PROVISIONED) == ["bedrock.provisioned-throughput"]
    assert kinds(Tier.LAMBDA_BEDROCK) == [
        "bedrock.inference-profile", "logs.group", "iam.role", "lambda.function",
        "lambda.version", "lambda.alias", "lambda.url",
    ]  # fmt: skip
    common = ["logs.group", "iam.role", "sagemaker.model", "sagemaker.endpoint-config"]
    assert kinds(Tier.SAGEMAKER_SERVERLESS) == [*common, "sagemaker.endpoint"]
    assert kinds(Tier.SAGEMAKER_REAL_TIME) == [
        *common, "sagemaker.endpoint", "autoscaling.target", "autoscaling.policy",
    ]  # fmt: skip


@pytest.mark.parametrize("tier", TIERS)
def test_needs_and_references_point_backwards_only(tier: Tier) -> None:
    before: set[str] = set()
    for each in made(tier):
        assert set(each.needs) <= before
        assert {key.partition(".")[0] for key in references(each.spec)} <= before
        before.add(each.key)


@pytest.mark.parametrize("tier", TIERS)
def test_a_blueprint_is_plain_json_and_the_same_every_time(tier: Tier) -> None:
    assert made(tier) == made(tier)
    for each in made(tier):
        assert json.loads(json.dumps(each.spec)) == each.spec


@pytest.mark.parametrize("tier", TIERS)
def test_everything_that_takes_tags_says_whose_it_is(tier: Tier) -> None:
    untagged = {Kind.VERSION, Kind.ALIAS, Kind.URL, Kind.SCALING_POLICY}
    for each in made(tier):
        if each.kind in untagged:
            continue
        assert each.spec["tags"] == {
            "slipway:team": "chat",
            "slipway:feature": "chatbot",
            "slipway:deployment": "chatbot-production",
            "slipway:generation": "1",
            "slipway:environment": "production",
            "slipway:cost-centre": "CC-chat",
        }


slugs = st.from_regex(r"\A[a-z][a-z0-9]*(-[a-z0-9]+)*\Z").filter(lambda slug: len(slug) <= 40)


@given(slug=slugs, generation=st.integers(min_value=1, max_value=99_999))
def test_names_fit_every_service(slug: str, generation: int) -> None:
    for tier in TIERS:
        for each in blueprint(option=option(tier), names=names(slug, generation=generation)):
            if each.kind not in (Kind.LOG_GROUP, Kind.SCALING_TARGET):
                assert len(each.name) <= LONGEST
                assert NAME.fullmatch(each.name)


@given(one=slugs, other=slugs)
def test_two_deployments_never_share_a_name(one: str, other: str) -> None:
    if one != other:
        assert names(one, generation=12345).of("function") != names(other, generation=12345).of(
            "function"
        )


@given(feature=st.text(min_size=1, max_size=60), environment=st.sampled_from(["staging"]))
def test_a_default_short_name_can_always_be_used(feature: str, environment: str) -> None:
    first = default_slug(feature=feature, environment=environment)
    second = default_slug(feature=feature, environment=environment, taken=frozenset({first}))
    for slug in (first, second):
        assert SLUG.fullmatch(slug)
        assert len(slug) <= 40
    assert first != second


@pytest.mark.parametrize(
    "instance_type, takes",
    [
        ("ml.g5.xlarge", False),
        ("ml.g6e.2xlarge", False),
        ("ml.g4dn.xlarge", False),
        ("ml.p4d.24xlarge", False),
        ("ml.p5en.48xlarge", False),
        ("ml.trn1.32xlarge", False),
        ("ml.inf2.xlarge", True),
        ("ml.m5.xlarge", True),
    ],
)
def test_a_volume_is_asked_for_only_without_local_disks(instance_type: str, takes: bool) -> None:
    assert takes_volume(instance_type) is takes
    size = Size(instance_type=instance_type, instances=1, max_instances=1)
    config = next(
        each
        for each in made(Tier.SAGEMAKER_REAL_TIME, size=size)
        if each.kind is Kind.ENDPOINT_CONFIG
    )
    assert ("volume_gb" in config.spec) is takes


def test_time_limits_stay_within_what_sagemaker_takes() -> None:
    resources = made(Tier.SAGEMAKER_REAL_TIME, startup_timeout_s="99999", download_timeout_s="5")
    config = next(each for each in resources if each.kind is Kind.ENDPOINT_CONFIG)
    assert config.spec["startup_timeout_seconds"] == 3600
    assert config.spec["download_timeout_seconds"] == 60


@pytest.mark.parametrize("tier", TIERS)
def test_no_role_may_do_everything_or_anything_to_everybody(tier: Tier) -> None:
    alone = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
    for allowed in permissions(resources=made(tier)):
        assert not any("*" in action for action in allowed.actions)
        if "*" in allowed.resources:
            assert set(allowed.actions) <= alone


def test_a_function_may_call_its_models_only_through_its_profile() -> None:
    through = next(
        each
        for each in permissions(resources=made(Tier.LAMBDA_BEDROCK))
        if each.sid == "CallTheModelsBehindIt"
    )
    assert "bedrock:InferenceProfileArn" in through.conditions


@pytest.mark.parametrize("tier", TIERS)
def test_the_plan_names_every_resource_in_order(tier: Tier) -> None:
    resources = made(tier)
    calls = plan(resources=resources)
    assert list(dict.fromkeys(call.name for call in calls)) == [each.name for each in resources]
    assert all(call.why and call.costs for call in calls)


def test_sizes_that_aws_changes_in_place_are_told_from_those_it_does_not() -> None:
    def resized(tier: Tier, **size: object) -> bool:
        return in_place(made(tier), made(tier, size=Size(**size)))

    gpu = {"instance_type": "ml.g5.xlarge", "instances": 4, "max_instances": 9}
    assert resized(Tier.SAGEMAKER_REAL_TIME, **gpu)
    assert not resized(Tier.SAGEMAKER_REAL_TIME, **{**gpu, "instance_type": "ml.g5.2xlarge"})
    assert resized(Tier.LAMBDA_BEDROCK, memory_mb=512, max_concurrency=3)
    assert not resized(Tier.LAMBDA_BEDROCK, memory_mb=1024, max_concurrency=40)
    assert not resized(Tier.BEDROCK_PROVISIONED, model_units=3)
    assert resized(Tier.SAGEMAKER_SERVERLESS, memory_mb=4096, max_concurrency=20)
    assert not resized(Tier.SAGEMAKER_SERVERLESS, memory_mb=2048, max_concurrency=10)


def test_references_are_replaced_wherever_they_are() -> None:
    spec = {"a": {"$ref": "role.arn"}, "b": [{"c": {"$ref": "profile.models"}}], "d": 1}
    outputs = {"role": {"arn": "x"}, "profile": {"models": ["m"]}}
    assert resolve(spec, outputs) == {"a": "x", "b": [{"c": ["m"]}], "d": 1}
    assert resolve(spec, {}) == {"a": "", "b": [{"c": ""}], "d": 1}


@pytest.mark.parametrize("tier", [tier for tier in Tier if tier not in LAUNCHABLE])
def test_what_cannot_be_launched_has_no_blueprint(tier: Tier) -> None:
    unbuilt = replace(option(Tier.BEDROCK_ON_DEMAND), tier=tier)
    with pytest.raises(KeyError):
        blueprint(option=unbuilt, names=names())
