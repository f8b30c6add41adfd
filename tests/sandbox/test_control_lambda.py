"""Lambda's control plane where moto falls short: states, versions, aliases, URLs, concurrency."""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox, eventually


def archive(text: str = "def handle(event, context): return event") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("app.py", text)
    return buffer.getvalue()


def role(aws: Sandbox) -> str:
    trust = {"Version": "2012-10-17", "Statement": []}
    return aws.client("iam").create_role(
        RoleName="runs-functions", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]


def create(aws: Sandbox, role_arn: str, **wish: Any) -> dict[str, Any]:
    wish = {
        "FunctionName": "chat",
        "Role": role_arn,
        "Runtime": "python3.12",
        "Handler": "app.handle",
        "Code": {"ZipFile": archive()},
    } | wish
    return aws.client("lambda").create_function(**wish)


def test_a_function_is_pending_first_and_active_later(aws: Sandbox) -> None:
    aws.put("delays", function_s=0.3)
    assert create(aws, role(aws))["State"] == "Pending"
    get = aws.client("lambda").get_function_configuration
    eventually(lambda: get(FunctionName="chat")["State"] == "Active", what="it is active")


def test_a_pending_function_cannot_be_published(aws: Sandbox) -> None:
    aws.put("delays", function_s=3600)
    create(aws, role(aws))
    with pytest.raises(ClientError, match="following state: Pending") as refusal:
        aws.client("lambda").publish_version(FunctionName="chat")
    assert refusal.value.response["Error"]["Code"] == "ResourceConflictException"


def test_a_taken_name_is_refused(aws: Sandbox) -> None:
    arn = role(aws)
    create(aws, arn)
    with pytest.raises(ClientError) as refusal:
        create(aws, arn)
    assert refusal.value.response["Error"]["Code"] == "ResourceConflictException"
    assert aws.kinds()["lambda:function"] == 1


def test_a_role_that_does_not_exist_is_refused(aws: Sandbox) -> None:
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        create(aws, "arn:aws:iam::123456789012:role/nobody")


def test_publishing_the_same_code_twice_makes_one_version(aws: Sandbox) -> None:
    create(aws, role(aws))
    publish = aws.client("lambda").publish_version
    assert publish(FunctionName="chat")["Version"] == "1"
    assert publish(FunctionName="chat")["Version"] == "1"
    assert aws.kinds()["lambda:version"] == 1


def test_a_version_number_is_never_used_again(aws: Sandbox) -> None:
    create(aws, role(aws))
    client = aws.client("lambda")
    for number in ("1", "2"):
        code = archive(f"def handle(event, context): return {number}")
        client.update_function_code(FunctionName="chat", ZipFile=code)
        assert client.publish_version(FunctionName="chat")["Version"] == number
    client.delete_function(FunctionName="chat", Qualifier="1")
    client.update_function_code(FunctionName="chat", ZipFile=archive("three = 3"))
    assert client.publish_version(FunctionName="chat")["Version"] == "3"
    versions = client.list_versions_by_function(FunctionName="chat")["Versions"]
    assert [v["Version"] for v in versions] == ["$LATEST", "2", "3"]


def test_an_alias_that_exists_is_refused(aws: Sandbox) -> None:
    create(aws, role(aws))
    client = aws.client("lambda")
    version = client.publish_version(FunctionName="chat")["Version"]
    client.create_alias(FunctionName="chat", Name="live", FunctionVersion=version)
    with pytest.raises(ClientError, match="Alias already exists") as refusal:
        client.create_alias(FunctionName="chat", Name="live", FunctionVersion=version)
    assert refusal.value.response["Error"]["Code"] == "ResourceConflictException"


def test_a_url_belongs_to_an_alias_and_is_on_this_server(aws: Sandbox) -> None:
    create(aws, role(aws))
    client = aws.client("lambda")
    version = client.publish_version(FunctionName="chat")["Version"]
    wish = {"FunctionName": "chat", "Qualifier": "live"}
    with pytest.raises(ClientError, match="Cannot find alias"):
        client.create_function_url_config(**wish, AuthType="NONE")
    client.create_alias(FunctionName="chat", Name="live", FunctionVersion=version)
    made = client.create_function_url_config(**wish, AuthType="NONE")
    assert made["FunctionUrl"].startswith(f"{aws.url}/lambda-url/")
    assert made["FunctionArn"].endswith(":function:chat:live")
    assert client.get_function_url_config(**wish)["FunctionUrl"] == made["FunctionUrl"]
    with pytest.raises(ClientError, match="FunctionUrlConfig exists"):
        client.create_function_url_config(**wish, AuthType="NONE")


def test_a_url_is_changed_listed_and_deleted(aws: Sandbox) -> None:
    create(aws, role(aws))
    client = aws.client("lambda")
    client.create_function_url_config(FunctionName="chat", AuthType="NONE")
    client.update_function_url_config(
        FunctionName="chat", AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM"
    )
    listed = client.list_function_url_configs(FunctionName="chat")["FunctionUrlConfigs"]
    assert [(u["AuthType"], u["InvokeMode"]) for u in listed] == [("AWS_IAM", "RESPONSE_STREAM")]
    client.delete_function_url_config(FunctionName="chat")
    with pytest.raises(ClientError) as refusal:
        client.get_function_url_config(FunctionName="chat")
    assert refusal.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_nothing_of_a_deleted_function_is_left(aws: Sandbox) -> None:
    create(aws, role(aws))
    client = aws.client("lambda")
    version = client.publish_version(FunctionName="chat")["Version"]
    client.create_alias(FunctionName="chat", Name="live", FunctionVersion=version)
    client.create_function_url_config(FunctionName="chat", Qualifier="live", AuthType="NONE")
    assert {k for k in aws.kinds() if k.startswith("lambda:")} == {
        "lambda:function",
        "lambda:version",
        "lambda:alias",
        "lambda:function-url",
    }
    client.delete_function(FunctionName="chat")
    assert not {k for k in aws.kinds() if k.startswith("lambda:")}


def test_reserved_concurrency_leaves_a_hundred_to_the_others(aws: Sandbox) -> None:
    aws.put("quotas", lambda_concurrency=300)
    create(aws, role(aws), Tags={"team": "chat"})
    client = aws.client("lambda")
    client.put_function_concurrency(FunctionName="chat", ReservedConcurrentExecutions=200)
    with pytest.raises(ClientError, match="below its minimum value of"):
        client.put_function_concurrency(FunctionName="chat", ReservedConcurrentExecutions=201)
    shown = client.get_function(FunctionName="chat")
    assert shown["Concurrency"]["ReservedConcurrentExecutions"] == 200
    assert shown["Tags"] == {"team": "chat"}


def test_an_invocation_that_the_sandbox_lacks_is_refused(aws: Sandbox) -> None:
    create(aws, role(aws))
    with pytest.raises(ClientError, match="does not offer lambda:InvokeAsync"):
        aws.client("lambda").invoke_async(FunctionName="chat", InvokeArgs=b"{}")
