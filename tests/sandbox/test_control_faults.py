"""Faults come by seed: the same seed gives the same faults, and a lost answer has happened."""

import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from sandbox import admin
from tests.sandbox.conftest import Sandbox
from tests.sandbox.test_control_bedrock import NOVA, buy
from tests.sandbox.test_control_lambda import create, role


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as refusal:
        return str(refusal.response["Error"]["Code"])
    except HTTPClientError as broken:
        return type(broken).__name__
    return "answered"


def outcomes(aws: Sandbox, count: int = 40) -> list[str]:
    bedrock = aws.client("bedrock")
    return [outcome(bedrock.list_provisioned_model_throughputs) for _ in range(count)]


def test_the_same_seed_gives_the_same_faults(aws: Sandbox) -> None:
    wish = {"throttle": 0.3, "lost_answer": 0.2}
    aws.put("faults", seed=11, **wish)
    first = outcomes(aws)
    aws.put("faults", seed=11, **wish)
    assert outcomes(aws) == first
    aws.put("faults", seed=12, **wish)
    assert outcomes(aws) != first
    assert {"answered", "ThrottlingException"} < set(first)


def test_a_throttled_call_has_not_happened(aws: Sandbox) -> None:
    aws.put("faults", throttle=1.0)
    with pytest.raises(ClientError) as refusal:
        buy(aws)
    assert refusal.value.response["Error"]["Code"] == "ThrottlingException"
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert aws.kinds() == {}


def test_a_lost_answer_has_happened_and_its_caller_hears_an_error_or_nothing(aws: Sandbox) -> None:
    aws.put("faults", seed=3, lost_answer=1.0)
    aws.put("quotas", bedrock_model_units=100)
    heard = {outcome(lambda n=n: buy(aws, provisionedModelName=f"lost-{n}")) for n in range(12)}
    assert heard == {"InternalServerException", "ConnectionClosedError"}
    assert aws.kinds() == {"bedrock:provisioned-throughput": 12}


def test_a_client_that_repeats_with_its_token_builds_one_despite_every_fault(aws: Sandbox) -> None:
    aws.put("faults", seed=5, throttle=0.2, lost_answer=0.4)
    for number in range(5):
        aws.client("bedrock", attempts=30).create_provisioned_model_throughput(
            modelUnits=1,
            provisionedModelName=f"chat-{number}",
            modelId=NOVA,
            clientRequestToken=f"token-of-this-deployment-{number}-0123456789",
        )
    assert aws.kinds() == {"bedrock:provisioned-throughput": 5}


def test_a_lost_answer_of_what_moto_keeps_has_happened_too(aws: Sandbox) -> None:
    arn = role(aws)
    aws.put("faults", lost_answer=1.0, services=["lambda"])
    assert outcome(lambda: create(aws, arn)) in {"InternalServerException", "ConnectionClosedError"}
    assert aws.kinds()["lambda:function"] == 1


@pytest.mark.parametrize(
    "service, call, throttling",
    [
        ("sagemaker", "list_endpoints", "ThrottlingException"),
        ("iam", "list_roles", "Throttling"),
        ("s3", "list_buckets", "SlowDown"),
        ("lambda", "list_functions", "TooManyRequestsException"),
        ("sts", "get_caller_identity", "Throttling"),
    ],
)
def test_each_service_throttles_in_its_own_words(
    aws: Sandbox, service: str, call: str, throttling: str
) -> None:
    aws.put("faults", throttle=1.0)
    assert outcome(getattr(aws.client(service), call)) == throttling


def test_faults_keep_to_the_named_services(aws: Sandbox) -> None:
    aws.put("faults", throttle=1.0, services=["sagemaker"])
    assert outcomes(aws, 3) == ["answered"] * 3
    assert outcome(aws.client("sagemaker").list_endpoints) == "ThrottlingException"


@pytest.mark.parametrize(
    "path, wish, words",
    [
        ("faults", {"throttle": 1.5}, "between 0 and 1"),
        ("faults", {"throttle": "often"}, "between 0 and 1"),
        ("faults", {"earthquake": 1}, "unknown fault"),
        ("faults", {"services": "bedrock"}, "list of names"),
        ("faults", {"seed": 1.5}, "whole number"),
        ("quotas", {"bedrock_model_units": -1}, "whole numbers"),
        ("quotas", {"sagemaker": 5}, "wrong form"),
        ("quotas", {"wishes": 5}, "unknown quota"),
        ("delays", {"endpoint_s": -1}, "seconds between"),
        ("delays", {"endpoint_s": None}, "seconds between"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_and_changes_nothing(
    aws: Sandbox, path: str, wish: dict[str, Any], words: str
) -> None:
    before = aws.get(path)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        aws.put(path, **wish)
    answer = json.loads(refusal.value.read())
    refusal.value.close()
    assert refusal.value.code == 400
    assert words in answer["error"]
    assert aws.get(path) == before


def test_broken_json_is_refused(aws: Sandbox) -> None:
    for body in (b"{", b"[]", b"\xff"):
        request = urllib.request.Request(  # noqa: S310 - always http
            f"{aws.url}/sandbox/faults", method="PUT", data=body
        )
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310
        refusal.value.close()
        assert refusal.value.code == 400


def test_an_operation_or_service_that_the_sandbox_lacks_is_refused_plainly(aws: Sandbox) -> None:
    for service, call in (("sagemaker", "list_training_jobs"), ("dynamodb", "list_tables")):
        with pytest.raises(ClientError, match=f"does not offer {service}") as refusal:
            getattr(aws.client(service), call)()
        assert refusal.value.response["Error"]["Code"] == "UnknownOperationException"


def test_only_this_machine_and_a_trusted_network_may_use_the_control_endpoints() -> None:
    admin.trust(ipaddress.ip_network("192.0.2.0/24"))
    addresses = ("127.0.0.1", "::1", "192.0.2.7", "198.51.100.7", "", "nonsense")
    assert [admin.is_trusted(a) for a in addresses] == [True, True, True, False, False, False]
