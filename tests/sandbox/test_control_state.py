"""What exists survives a restart and a kill; a reset leaves nothing; every call is counted."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import ROOT, Sandbox, eventually
from tests.sandbox.test_control_autoscaling import put_policy, register
from tests.sandbox.test_control_bedrock import buy, profile
from tests.sandbox.test_control_lambda import create, role
from tests.sandbox.test_control_sagemaker import launch, prepare


def build_everything(aws: Sandbox) -> None:
    buy(aws, tags=[{"key": "team", "value": "chat"}], clientRequestToken="token" * 8)
    profile(aws)
    prepare(aws)
    launch(aws)
    register(aws)
    put_policy(aws)
    aws.put("delays", function_s=0)
    create(aws, role(aws), Tags={"team": "chat"})
    functions = aws.client("lambda")
    version = functions.publish_version(FunctionName="chat")["Version"]
    functions.create_alias(FunctionName="chat", Name="live", FunctionVersion=version)
    functions.create_function_url_config(FunctionName="chat", Qualifier="live", AuthType="NONE")
    aws.client("logs").create_log_group(logGroupName="/aws/lambda/chat", tags={"team": "chat"})
    store = aws.client("s3")
    store.create_bucket(Bucket="weights-of-chat")
    store.put_object(Bucket="weights-of-chat", Key="model/config.json", Body=b"{}")
    aws.put("quotas", bedrock_model_units=7)


def unmoving(aws: Sandbox) -> list[dict[str, object]]:
    return [{k: v for k, v in item.items() if k != "status"} for item in aws.get("inventory")]


def assert_everything_is_there(aws: Sandbox, before: list[dict[str, object]]) -> None:
    assert unmoving(aws) == before
    assert aws.get("quotas")["bedrock_model_units"] == 7
    store = aws.client("s3")
    kept = store.get_object(Bucket="weights-of-chat", Key="model/config.json")["Body"]
    assert kept.read() == b"{}"
    functions = aws.client("lambda")
    assert functions.get_function(FunctionName="chat", Qualifier="live")["Configuration"][
        "FunctionArn"
    ].endswith(":1")
    assert functions.publish_version(FunctionName="chat")["Version"] == "1"
    buy(aws, tags=[{"key": "team", "value": "chat"}], clientRequestToken="token" * 8)
    assert unmoving(aws) == before


def test_everything_survives_a_restart(mortal: Sandbox) -> None:
    build_everything(mortal)
    before = unmoving(mortal)
    assert len({item["kind"] for item in before}) == 14
    assert mortal.stop() == 0
    mortal.start()
    assert_everything_is_there(mortal, before)


def test_everything_survives_a_kill_soon_after_the_change(mortal: Sandbox) -> None:
    build_everything(mortal)
    before = unmoving(mortal)
    time.sleep(1)
    assert mortal.stop(signal.SIGKILL) == -signal.SIGKILL
    mortal.start()
    assert_everything_is_there(mortal, before)


def test_kills_at_any_moment_leave_a_state_that_can_be_read(mortal: Sandbox) -> None:
    known: set[object] = set()
    for number in range(5):
        for step in range(6):
            buy(mortal, provisionedModelName=f"chat-{number}-{step}") if step < 2 else None
            mortal.client("logs").create_log_group(logGroupName=f"/group-{number}-{step}")
        mortal.stop(signal.SIGKILL)
        mortal.start()
        found = {item["name"] for item in mortal.get("inventory")}
        assert known <= found
        known = found


def test_what_was_being_created_goes_on_after_a_restart(mortal: Sandbox) -> None:
    mortal.put("delays", provisioned_throughput_s=0.5)
    arn = buy(mortal)
    mortal.stop()
    mortal.start()
    get = mortal.client("bedrock").get_provisioned_model_throughput
    eventually(
        lambda: get(provisionedModelId=arn)["status"] == "InService", what="it is in service"
    )


def test_a_folder_is_used_by_one_sandbox_at_a_time(mortal: Sandbox) -> None:
    command = [sys.executable, "-m", "sandbox", "--state", str(mortal.state)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "another sandbox uses" in second.stderr


def test_an_unreadable_state_is_not_silently_dropped(mortal: Sandbox) -> None:
    buy(mortal)
    mortal.stop()
    (mortal.state / "control.json").write_text("{")
    command = [sys.executable, "-m", "sandbox", "--state", str(mortal.state)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "control.json cannot be read" in ended.stderr


def test_a_reset_leaves_nothing_and_no_fault(aws: Sandbox) -> None:
    build_everything(aws)
    aws.put("faults", throttle=0.5, services=["bedrock-runtime"])
    aws.reset()
    assert aws.get("inventory") == []
    assert aws.get("faults")["throttle"] == 0
    assert aws.get("quotas")["bedrock_model_units"] == 10
    assert aws.client("iam").list_roles()["Roles"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


def test_the_inventory_names_everything_with_its_tags_and_age(aws: Sandbox) -> None:
    build_everything(aws)
    found = aws.get("inventory")
    for item in found:
        assert item.keys() == {
            "service",
            "kind",
            "name",
            "arn",
            "status",
            "created_at",
            "tags",
        }
        assert item["created_at"].startswith("20")
    tagged = {item["kind"] for item in found if item["tags"] == {"team": "chat"}}
    assert tagged == {"provisioned-throughput", "function", "log-group"}


def test_calls_are_counted_by_operation_since_a_moment(aws: Sandbox) -> None:
    build_everything(aws)
    counted = aws.get("calls")
    assert counted["bedrock.CreateProvisionedModelThroughput"] == 1
    assert counted["s3.PutObject"] == 1
    assert counted["iam.CreateRole"] == 1
    assert counted["lambda.PublishVersion"] == 1
    assert counted["logs.CreateLogGroup"] == 1
    assert aws.get(f"calls?since={time.time() + 60}") == {}
    with pytest.raises(urllib.error.HTTPError) as refusal:
        aws.get("calls?since=yesterday")
    refusal.value.close()
    assert refusal.value.code == 400


def test_racing_callers_build_one_of_each_name_and_stay_within_the_quota(aws: Sandbox) -> None:
    aws.put("quotas", bedrock_model_units=5)
    aws.client("bedrock")

    def attempt(number: int) -> str:
        try:
            buy(aws, provisionedModelName=f"chat-{number % 10}")
        except ClientError as refusal:
            return str(refusal.response["Error"]["Code"])
        return "built"

    with ThreadPoolExecutor(max_workers=8) as pool:
        heard = Counter(pool.map(attempt, range(60)))
    assert heard["built"] == 5
    assert heard.keys() == {"built", "ValidationException", "ServiceQuotaExceededException"}
    names = [item["name"] for item in aws.get("inventory")]
    assert len(names) == len(set(names)) == 5


def test_the_health_endpoint_says_ready(aws: Sandbox) -> None:
    assert aws.get("health") == {"ready": True}
    assert json.dumps(aws.get("delays"))
