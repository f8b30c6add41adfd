"""Bedrock's control plane refuses what AWS refuses and builds nothing twice."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox, eventually

NOVA = "amazon.nova-pro-v1:0:24k"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
HAIKU_PROFILE = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{HAIKU}"


def buy(aws: Sandbox, **wish: Any) -> str:
    wish = {"modelUnits": 1, "provisionedModelName": "chat", "modelId": NOVA} | wish
    return aws.client("bedrock").create_provisioned_model_throughput(**wish)["provisionedModelArn"]


def code_of(refusal: pytest.ExceptionInfo[ClientError]) -> str:
    return refusal.value.response["Error"]["Code"]


def test_a_models_lifecycle_is_told(aws: Sandbox) -> None:
    bedrock = aws.client("bedrock")
    active = bedrock.get_foundation_model(modelIdentifier="amazon.nova-pro-v1:0")
    legacy = bedrock.get_foundation_model(modelIdentifier="meta.llama3-3-70b-instruct-v1:0")
    assert active["modelDetails"]["modelLifecycle"]["status"] == "ACTIVE"
    assert legacy["modelDetails"]["modelLifecycle"]["status"] == "LEGACY"
    assert legacy["modelDetails"]["modelLifecycle"]["endOfLifeTime"].year == 2027


def test_a_model_at_its_end_of_life_is_neither_listed_nor_found(aws: Sandbox) -> None:
    bedrock = aws.client("bedrock")
    listed = {m["modelId"] for m in bedrock.list_foundation_models()["modelSummaries"]}
    assert HAIKU in listed
    assert "anthropic.claude-sonnet-4-20250514-v1:0" not in listed
    with pytest.raises(ClientError) as refusal:
        bedrock.get_foundation_model(modelIdentifier="anthropic.claude-sonnet-4-20250514-v1:0")
    assert code_of(refusal) == "ResourceNotFoundException"


def test_models_are_filtered_by_provider_and_by_kind_of_throughput(aws: Sandbox) -> None:
    found = aws.client("bedrock").list_foundation_models(
        byProvider="amazon", byInferenceType="PROVISIONED"
    )["modelSummaries"]
    assert {m["modelId"] for m in found} == {
        "amazon.nova-micro-v1:0",
        "amazon.nova-lite-v1:0",
        "amazon.nova-pro-v1:0",
        "amazon.nova-2-lite-v1:0",
    }


def test_provisioned_throughput_is_created_first_and_in_service_later(aws: Sandbox) -> None:
    aws.put("delays", provisioned_throughput_s=0.3)
    arn = buy(aws)
    get = aws.client("bedrock").get_provisioned_model_throughput
    assert get(provisionedModelId=arn)["status"] == "Creating"
    eventually(
        lambda: get(provisionedModelId="chat")["status"] == "InService", what="it is in service"
    )


def test_the_same_client_token_builds_nothing_twice(aws: Sandbox) -> None:
    token = "0123456789" * 4
    first, second = buy(aws, clientRequestToken=token), buy(aws, clientRequestToken=token)
    assert first == second
    assert aws.kinds() == {"bedrock:provisioned-throughput": 1}


def test_the_same_client_token_with_another_wish_is_refused(aws: Sandbox) -> None:
    token = "0123456789" * 4
    buy(aws, clientRequestToken=token)
    with pytest.raises(ClientError, match="already used with different") as refusal:
        buy(aws, clientRequestToken=token, modelUnits=2)
    assert code_of(refusal) == "ValidationException"


def test_a_client_token_is_forgotten_with_what_it_built(aws: Sandbox) -> None:
    token = "0123456789" * 4
    first = buy(aws, clientRequestToken=token)
    aws.client("bedrock").delete_provisioned_model_throughput(provisionedModelId=first)
    assert buy(aws, clientRequestToken=token) != first


def test_a_taken_name_is_refused(aws: Sandbox) -> None:
    buy(aws)
    with pytest.raises(ClientError, match="chat already exists"):
        buy(aws)


def test_model_units_end_at_the_quota(aws: Sandbox) -> None:
    aws.put("quotas", bedrock_model_units=3)
    buy(aws, modelUnits=2)
    with pytest.raises(ClientError, match="quota of 3 model units") as refusal:
        buy(aws, modelUnits=2, provisionedModelName="more")
    assert code_of(refusal) == "ServiceQuotaExceededException"
    buy(aws, modelUnits=1, provisionedModelName="fits")


@pytest.mark.parametrize("model_id", [HAIKU, "amazon.nova-pro-v1:0", "no.such-model"])
def test_only_ids_that_can_be_bought_are_accepted(aws: Sandbox, model_id: str) -> None:
    with pytest.raises(ClientError, match="does not support Provisioned Throughput"):
        buy(aws, modelId=model_id)


def test_a_commitment_forbids_deletion_until_it_ends(aws: Sandbox) -> None:
    arn = buy(aws, commitmentDuration="OneMonth")
    bedrock = aws.client("bedrock")
    shown = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    assert (shown["commitmentExpirationTime"] - shown["creationTime"]).days == 30
    with pytest.raises(ClientError, match="before its term ends") as refusal:
        bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)
    assert code_of(refusal) == "ValidationException"


def test_what_is_still_created_cannot_be_deleted(aws: Sandbox) -> None:
    aws.put("delays", provisioned_throughput_s=3600)
    arn = buy(aws)
    with pytest.raises(ClientError) as refusal:
        aws.client("bedrock").delete_provisioned_model_throughput(provisionedModelId=arn)
    assert code_of(refusal) == "ConflictException"


def test_without_a_commitment_it_can_be_deleted(aws: Sandbox) -> None:
    arn = buy(aws)
    bedrock = aws.client("bedrock")
    bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)
    with pytest.raises(ClientError) as refusal:
        bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    assert code_of(refusal) == "ResourceNotFoundException"
    assert aws.kinds() == {}


def test_the_number_of_units_cannot_be_changed(aws: Sandbox) -> None:
    arn = buy(aws)
    members = aws.client("bedrock").meta.service_model.operation_model(
        "UpdateProvisionedModelThroughput"
    )
    assert "desiredModelUnits" not in members.input_shape.members
    request = urllib.request.Request(  # noqa: S310 - always http
        f"{aws.url}/provisioned-model-throughput/{arn.rpartition('/')[2]}",
        method="PATCH",
        data=json.dumps({"desiredModelUnits": 5}).encode(),
        headers={
            "Authorization": "AWS4-HMAC-SHA256 Credential=a/20261121/us-east-1/bedrock/aws4_request"
        },
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310
    answer = json.loads(refusal.value.read())
    refusal.value.close()
    assert answer["__type"] == "ValidationException"
    assert (
        aws.client("bedrock").get_provisioned_model_throughput(provisionedModelId=arn)["modelUnits"]
        == 1
    )


def test_a_name_can_be_changed_but_not_the_model_of_a_base_model(aws: Sandbox) -> None:
    arn = buy(aws)
    bedrock = aws.client("bedrock")
    bedrock.update_provisioned_model_throughput(
        provisionedModelId=arn, desiredProvisionedModelName="renamed"
    )
    assert (
        bedrock.get_provisioned_model_throughput(provisionedModelId=arn)["provisionedModelName"]
        == "renamed"
    )
    with pytest.raises(ClientError, match="only for a Provisioned Throughput of a custom model"):
        bedrock.update_provisioned_model_throughput(
            provisionedModelId=arn, desiredModelId="amazon.nova-lite-v1:0:24k"
        )


def test_lists_come_in_pages_and_are_filtered(aws: Sandbox) -> None:
    for number in range(5):
        buy(aws, provisionedModelName=f"chat-{number}")
    pages = list(
        aws.client("bedrock")
        .get_paginator("list_provisioned_model_throughputs")
        .paginate(nameContains="chat-", statusEquals="InService", PaginationConfig={"PageSize": 2})
    )
    names = [s["provisionedModelName"] for p in pages for s in p["provisionedModelSummaries"]]
    assert len(pages) == 3
    assert sorted(names) == [f"chat-{number}" for number in range(5)]


def profile(aws: Sandbox, **wish: Any) -> str:
    source = {"copyFrom": HAIKU_PROFILE}
    wish = {"inferenceProfileName": "chatbot", "modelSource": source} | wish
    return aws.client("bedrock").create_inference_profile(**wish)["inferenceProfileArn"]


def test_an_application_profile_stands_for_the_models_of_its_source(aws: Sandbox) -> None:
    arn = profile(aws, tags=[{"key": "team", "value": "chat"}])
    bedrock = aws.client("bedrock")
    shown = bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    assert shown["type"] == "APPLICATION"
    assert {m["modelArn"].split(":")[3] for m in shown["models"]} == {
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
    listed = bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
    assert [p["inferenceProfileArn"] for p in listed] == [arn]
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == [
        {"key": "team", "value": "chat"}
    ]


def test_a_model_without_on_demand_throughput_is_no_source(aws: Sandbox) -> None:
    bare = f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"
    with pytest.raises(ClientError, match="model source is invalid"):
        profile(aws, modelSource={"copyFrom": bare})
    nova = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
    assert profile(aws, modelSource={"copyFrom": nova})


def test_a_profile_is_built_once_by_token_and_refused_by_name(aws: Sandbox) -> None:
    token = "profile-token-0123456789-0123456789"
    assert profile(aws, clientRequestToken=token) == profile(aws, clientRequestToken=token)
    with pytest.raises(ClientError) as refusal:
        profile(aws, description="another wish")
    assert code_of(refusal) == "ConflictException"
    assert aws.kinds() == {"bedrock:inference-profile": 1}


def test_tags_are_changed_and_removed(aws: Sandbox) -> None:
    arn, bedrock = buy(aws, tags=[{"key": "a", "value": "1"}]), aws.client("bedrock")
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "b", "value": "2"}])
    bedrock.untag_resource(resourceARN=arn, tagKeys=["a"])
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "b", "value": "2"}]
    assert aws.get("inventory")[0]["tags"] == {"b": "2"}


def test_a_deleted_profile_is_gone(aws: Sandbox) -> None:
    arn, bedrock = profile(aws), aws.client("bedrock")
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)
    with pytest.raises(ClientError) as refusal:
        bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)
    assert code_of(refusal) == "ResourceNotFoundException"
