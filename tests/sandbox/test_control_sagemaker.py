"""SageMaker hosting has AWS's states, rules and words."""

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox, eventually

GPU_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130"
CPU_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6-cpu-py312"


def prepare(aws: Sandbox, *, name: str = "chat", image: str = GPU_IMAGE, **variant: Any) -> None:
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"Image": image, "Environment": {"SM_VLLM_MODEL": "some/model"}},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/serving",
    )
    configure(aws, name=name, model=name, **variant)


def configure(aws: Sandbox, *, name: str, model: str, **variant: Any) -> None:
    if "ServerlessConfig" not in variant and "InstancePools" not in variant:
        variant = {"InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1} | variant
    aws.client("sagemaker").create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "main", "ModelName": model} | variant],
    )


def launch(aws: Sandbox, *, name: str = "chat", config: str = "chat") -> None:
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config)


def show(aws: Sandbox, name: str = "chat") -> dict[str, Any]:
    return aws.client("sagemaker").describe_endpoint(EndpointName=name)


def test_every_hosting_type_that_the_client_knows_is_accepted(aws: Sandbox) -> None:
    sagemaker = aws.client("sagemaker")
    types = sagemaker.meta.service_model.shape_for("ProductionVariantInstanceType").enum
    prepare(aws)
    for number, instance_type in enumerate(types):
        configure(aws, name=f"config-{number}", model="chat", InstanceType=instance_type)
    assert len(types) > 250
    assert aws.kinds()["sagemaker:endpoint-config"] == len(types) + 1


def test_a_type_that_does_not_exist_is_refused_with_the_list(aws: Sandbox) -> None:
    with pytest.raises(ClientError, match=r"Member must satisfy enum value set: .*ml\.g5\.xlarge"):
        prepare(aws, InstanceType="ml.g99.xlarge")


def test_existing_names_are_refused_in_awss_words(aws: Sandbox) -> None:
    prepare(aws)
    launch(aws)
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        prepare(aws)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        configure(aws, name="chat", model="chat")
    with pytest.raises(ClientError, match='Cannot create already existing endpoint "arn'):
        launch(aws)


def test_what_a_configuration_or_endpoint_needs_must_exist(aws: Sandbox) -> None:
    with pytest.raises(ClientError, match='Could not find model "arn'):
        configure(aws, name="chat", model="nobody")
    with pytest.raises(ClientError, match='Could not find endpoint configuration "arn'):
        launch(aws)
    with pytest.raises(ClientError, match='Could not find endpoint "arn'):
        show(aws)


def test_an_endpoint_is_creating_first_and_in_service_later(aws: Sandbox) -> None:
    prepare(aws)
    aws.put("delays", endpoint_s=0.3)
    launch(aws)
    assert show(aws)["EndpointStatus"] == "Creating"
    eventually(lambda: show(aws)["EndpointStatus"] == "InService", what="it is in service")
    variant = show(aws)["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)


def test_an_endpoint_that_is_creating_or_updating_cannot_be_deleted(aws: Sandbox) -> None:
    prepare(aws)
    aws.put("delays", endpoint_s=3600)
    launch(aws)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        aws.client("sagemaker").delete_endpoint(EndpointName="chat")
    aws.put("delays", endpoint_s=0, endpoint_update_s=3600)
    launch(aws, name="other")
    aws.client("sagemaker").update_endpoint(EndpointName="other", EndpointConfigName="chat")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        aws.client("sagemaker").delete_endpoint(EndpointName="other")


def test_a_deleted_endpoint_is_deleting_first_and_gone_later(aws: Sandbox) -> None:
    prepare(aws)
    launch(aws)
    aws.put("delays", endpoint_delete_s=0.3)
    aws.client("sagemaker").delete_endpoint(EndpointName="chat")
    assert show(aws)["EndpointStatus"] == "Deleting"
    eventually(lambda: "sagemaker:endpoint" not in aws.kinds(), what="it is gone")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        show(aws)


def test_without_capacity_an_endpoint_fails_with_awss_reason_and_can_only_be_deleted(
    aws: Sandbox,
) -> None:
    prepare(aws)
    aws.put("faults", capacity_error=1.0)
    launch(aws)
    shown = show(aws)
    assert shown["EndpointStatus"] == "Failed"
    assert "InsufficientInstanceCapacity" in shown["FailureReason"]
    with pytest.raises(ClientError, match="can only be deleted"):
        aws.client("sagemaker").update_endpoint(EndpointName="chat", EndpointConfigName="chat")
    aws.client("sagemaker").delete_endpoint(EndpointName="chat")
    assert "sagemaker:endpoint" not in aws.kinds()


def test_a_gpu_container_on_a_machine_without_gpu_does_not_answer_its_ping(aws: Sandbox) -> None:
    prepare(aws, InstanceType="ml.m5.xlarge")
    launch(aws)
    shown = show(aws)
    assert shown["EndpointStatus"] == "Failed"
    assert "production variant main did not pass the ping health check" in shown["FailureReason"]


def test_an_update_serves_the_old_until_the_new_is_ready(aws: Sandbox) -> None:
    prepare(aws)
    configure(aws, name="bigger", model="chat", InstanceType="ml.g6e.xlarge")
    launch(aws)
    aws.put("delays", endpoint_update_s=0.3)
    aws.client("sagemaker").update_endpoint(EndpointName="chat", EndpointConfigName="bigger")
    during = show(aws)
    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", "chat")
    eventually(lambda: show(aws)["EndpointStatus"] == "InService", what="the update ends")
    assert show(aws)["EndpointConfigName"] == "bigger"


def test_an_update_without_capacity_rolls_back_and_says_why(aws: Sandbox) -> None:
    prepare(aws)
    configure(aws, name="bigger", model="chat", InstanceType="ml.g6e.xlarge")
    launch(aws)
    aws.put("faults", capacity_error=1.0)
    aws.client("sagemaker").update_endpoint(EndpointName="chat", EndpointConfigName="bigger")
    shown = show(aws)
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "chat")
    assert "InsufficientInstanceCapacity" in shown["FailureReason"]


def test_instances_are_added_in_place(aws: Sandbox) -> None:
    prepare(aws)
    launch(aws)
    resize = aws.client("sagemaker").update_endpoint_weights_and_capacities
    wish = [{"VariantName": "main", "DesiredInstanceCount": 3}]
    aws.put("delays", endpoint_update_s=0.3)
    resize(EndpointName="chat", DesiredWeightsAndCapacities=wish)
    variant = show(aws)["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 3)
    eventually(lambda: show(aws)["EndpointStatus"] == "InService", what="the update ends")
    assert show(aws)["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    with pytest.raises(ClientError, match='Could not find variant "other"'):
        resize(
            EndpointName="chat",
            DesiredWeightsAndCapacities=[{"VariantName": "other", "DesiredInstanceCount": 2}],
        )


def test_an_update_keeps_the_running_count_when_asked(aws: Sandbox) -> None:
    prepare(aws)
    configure(aws, name="next", model="chat")
    launch(aws)
    sagemaker = aws.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="chat",
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 4}],
    )
    sagemaker.update_endpoint(
        EndpointName="chat", EndpointConfigName="next", RetainAllVariantProperties=True
    )
    assert show(aws)["ProductionVariants"][0]["CurrentInstanceCount"] == 4


def test_the_quota_is_refused_in_awss_words_before_anything_is_built(aws: Sandbox) -> None:
    aws.put("quotas", sagemaker={"ml.g5.xlarge": 2})
    prepare(aws, InitialInstanceCount=2)
    launch(aws)
    with pytest.raises(ClientError) as refusal:
        launch(aws, name="second")
    assert refusal.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    assert (
        "The account-level service limit 'ml.g5.xlarge for endpoint usage' is 2 Instances, with "
        "current utilization of 2 Instances and a request delta of 2 Instances."
    ) in refusal.value.response["Error"]["Message"]
    assert aws.kinds()["sagemaker:endpoint"] == 1
    aws.client("sagemaker").delete_endpoint(EndpointName="chat")
    launch(aws, name="second")


def test_the_quota_also_bounds_a_resize(aws: Sandbox) -> None:
    aws.put("quotas", sagemaker={"ml.g5.xlarge": 2})
    prepare(aws)
    launch(aws)
    with pytest.raises(ClientError, match="request delta of 2 Instances"):
        aws.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName="chat",
            DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 3}],
        )


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.g4dn.xlarge", "ml.p5.48xlarge"])
def test_a_volume_size_is_refused_where_the_machine_has_local_disks(
    aws: Sandbox, instance_type: str
) -> None:
    with pytest.raises(ClientError, match="VolumeSizeInGB is not supported"):
        prepare(aws, InstanceType=instance_type, VolumeSizeInGB=100)


def test_a_volume_size_is_accepted_where_the_machine_has_none(aws: Sandbox) -> None:
    prepare(aws, InstanceType="ml.inf2.xlarge", VolumeSizeInGB=100)
    assert aws.kinds()["sagemaker:endpoint-config"] == 1


def test_a_serverless_endpoint_has_no_instances(aws: Sandbox) -> None:
    serverless = {"MemorySizeInMB": 4096, "MaxConcurrency": 20}
    prepare(aws, image=CPU_IMAGE, ServerlessConfig=serverless)
    launch(aws)
    shown = show(aws)
    assert shown["EndpointStatus"] == "InService"
    assert shown["ProductionVariants"][0]["CurrentServerlessConfig"] == serverless
    assert "CurrentInstanceCount" not in shown["ProductionVariants"][0]


@pytest.mark.parametrize(
    "serverless, words",
    [
        ({"MemorySizeInMB": 1500, "MaxConcurrency": 5}, "MemorySizeInMB must be one of"),
        ({"MemorySizeInMB": 2048, "MaxConcurrency": 201}, "MaxConcurrency must be between"),
        (
            {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 6},
            "exceeds MaxConcurrency",
        ),
    ],
)
def test_serverless_limits_are_refused(aws: Sandbox, serverless: Any, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        prepare(aws, image=CPU_IMAGE, ServerlessConfig=serverless)


def test_serverless_has_no_gpu(aws: Sandbox) -> None:
    prepare(aws, ServerlessConfig={"MemorySizeInMB": 6144, "MaxConcurrency": 5})
    launch(aws)
    assert "did not pass the ping health check" in show(aws)["FailureReason"]
    with pytest.raises(ClientError, match="cannot be given together with InstanceType"):
        configure(
            aws,
            name="both",
            model="chat",
            InstanceType="ml.g5.xlarge",
            ServerlessConfig={"MemorySizeInMB": 6144, "MaxConcurrency": 5},
        )


def test_the_serverless_concurrency_of_the_account_is_bounded(aws: Sandbox) -> None:
    aws.put("quotas", sagemaker_serverless_concurrency=30)
    serverless = {"MemorySizeInMB": 4096, "MaxConcurrency": 20}
    prepare(aws, image=CPU_IMAGE, ServerlessConfig=serverless)
    launch(aws)
    with pytest.raises(ClientError, match="is 30, with current utilization of 20"):
        launch(aws, name="second")


def test_a_pool_falls_back_to_its_next_type_when_the_first_has_no_capacity(aws: Sandbox) -> None:
    seed = next(s for s in range(100) if _first_two(s) == (True, False))
    types = enumerate(("ml.g5.xlarge", "ml.g6.xlarge"), start=1)
    pools = [{"InstanceType": name, "Priority": number} for number, name in types]
    prepare(aws, InstancePools=pools, InitialInstanceCount=1)
    configure(aws, name="single", model="chat")
    aws.put("faults", seed=seed, capacity_error=0.5)
    launch(aws, name="single", config="single")
    aws.put("faults", seed=seed, capacity_error=0.5)
    launch(aws, name="pool")
    assert show(aws, "single")["EndpointStatus"] == "Failed"
    assert show(aws, "pool")["EndpointStatus"] == "InService"


def _first_two(seed: int) -> tuple[bool, bool]:
    dice = random.Random(seed)
    return dice.random() < 0.5, dice.random() < 0.5


def test_a_model_and_a_configuration_are_shown_as_they_were_made(aws: Sandbox) -> None:
    prepare(aws, ContainerStartupHealthCheckTimeoutInSeconds=1800)
    sagemaker = aws.client("sagemaker")
    model = sagemaker.describe_model(ModelName="chat")
    config = sagemaker.describe_endpoint_config(EndpointConfigName="chat")
    assert model["PrimaryContainer"]["Environment"] == {"SM_VLLM_MODEL": "some/model"}
    assert config["ProductionVariants"][0]["ContainerStartupHealthCheckTimeoutInSeconds"] == 1800
    assert config["CreationTime"] >= model["CreationTime"]


def test_lists_are_filtered_and_paged(aws: Sandbox) -> None:
    prepare(aws)
    for number in range(3):
        launch(aws, name=f"chat-{number}")
    found = (
        aws.client("sagemaker")
        .get_paginator("list_endpoints")
        .paginate(NameContains="chat-", StatusEquals="InService", PaginationConfig={"PageSize": 2})
        .build_full_result()["Endpoints"]
    )
    assert {e["EndpointName"] for e in found} == {"chat-0", "chat-1", "chat-2"}


def test_tags_are_kept_changed_and_removed(aws: Sandbox) -> None:
    sagemaker = aws.client("sagemaker")
    arn = sagemaker.create_model(
        ModelName="Tagged",
        PrimaryContainer={"Image": CPU_IMAGE},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/serving",
        Tags=[{"Key": "a", "Value": "1"}],
    )["ModelArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
