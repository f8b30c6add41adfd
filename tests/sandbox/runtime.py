"""What the tests of the runtime half share: reading metrics, deploying functions."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA = "amazon.nova-lite-v1:0"


def talk(text: str) -> list[dict[str, Any]]:
    """Return a conversation of one turn."""
    return [{"role": "user", "content": [{"text": text}]}]


def converse(aws: Sandbox, model_id: str, text: str = "Hello there", **more: Any) -> dict[str, Any]:
    """Call Converse."""
    return aws.client("bedrock-runtime").converse(modelId=model_id, messages=talk(text), **more)


def refusal(call: Any, *args: Any, **wish: Any) -> tuple[str, str]:
    """Return the code and the sentence with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(*args, **wish)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def metric(
    aws: Sandbox, namespace: str, name: str, statistic: str = "Sum", **dimensions: str
) -> float:
    """Return one statistic of the last hours; 0 where there are no values."""
    now = datetime.now(UTC)
    wanted = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    stat = {
        "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": wanted},
        "Period": 86_400,
        "Stat": statistic,
    }
    results = aws.client("cloudwatch").get_metric_data(
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=1),
        MetricDataQueries=[{"Id": "wanted", "MetricStat": stat}],
    )["MetricDataResults"]
    return float(sum(results[0]["Values"]))


def archive(code: str) -> bytes:
    """Return a ZIP archive with app.py."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("app.py", code)
    return buffer.getvalue()


def deploy(aws: Sandbox, name: str, code: str, **wish: Any) -> None:
    """Create a function that runs app.handle."""
    role = aws.client("iam").create_role(
        RoleName=f"role-of-{name}", AssumeRolePolicyDocument=json.dumps({"Statement": []})
    )["Role"]["Arn"]
    aws.client("lambda").create_function(
        **{
            "FunctionName": name,
            "Role": role,
            "Runtime": "python3.13",
            "Handler": "app.handle",
            "Timeout": 30,
            "Code": {"ZipFile": archive(code)},
        }
        | wish
    )


def invoke(aws: Sandbox, name: str, event: Any = None, **wish: Any) -> tuple[Any, dict[str, Any]]:
    """Invoke a function and return (its payload, the whole answer)."""
    payload = json.dumps({} if event is None else event)
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=payload, **wish)
    return json.loads(answer["Payload"].read()), answer
