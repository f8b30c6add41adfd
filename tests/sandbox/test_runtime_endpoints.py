"""SageMaker endpoints answer real clients as fast as their machine and model allow."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox, eventually
from tests.sandbox.runtime import metric, refusal

GPU_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130"
CPU_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6-cpu-py312"
SERVERLESS = {"MemorySizeInMB": 4096, "MaxConcurrency": 2}
CHAT = {"messages": [{"role": "user", "content": "Where is it? [slipway tokens=100]"}]}


@pytest.fixture
def quick(aws: Sandbox) -> Sandbox:
    aws.put("delays", latency_scale=0)
    return aws


def launch(
    aws: Sandbox, name: str = "chat", model: str = "org/Llama-3.1-8B-Instruct", **variant: Any
) -> None:
    sagemaker = aws.client("sagemaker")
    serverless = "ServerlessConfig" in variant
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={
            "Image": CPU_IMAGE if serverless else GPU_IMAGE,
            "Environment": {"SM_VLLM_MODEL": model},
        },
        ExecutionRoleArn="arn:aws:iam::123456789012:role/serving",
    )
    if not serverless:
        variant = {"InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1} | variant
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "main", "ModelName": name} | variant],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def ask(aws: Sandbox, body: Any = None, name: str = "chat", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=json.dumps(CHAT if body is None else body), **more
    )
    return found


def latency_ms(aws: Sandbox, name: str = "chat", statistic: str = "Average") -> float:
    own = {"EndpointName": name, "VariantName": "main"}
    return metric(aws, "AWS/SageMaker", "ModelLatency", statistic, **own) / 1_000


def test_an_endpoint_answers_a_chat_with_usage(quick: Sandbox) -> None:
    launch(quick)
    answer = ask(quick)
    said = json.loads(answer["Body"].read())

    assert answer["InvokedProductionVariant"] == "main"
    assert said["usage"]["completion_tokens"] == 100
    assert said["choices"][0]["finish_reason"] == "stop"
    assert len(said["choices"][0]["message"]["content"]) > 100


def test_prompts_and_inputs_are_understood_too(quick: Sandbox) -> None:
    launch(quick)
    prompt = {"prompt": "Go [slipway tokens=50]", "max_tokens": 9}
    inputs = {"inputs": "Go [slipway tokens=50]", "parameters": {"max_new_tokens": 500}}

    vllm = json.loads(ask(quick, prompt)["Body"].read())
    tgi = json.loads(ask(quick, inputs)["Body"].read())
    assert (vllm["usage"]["completion_tokens"], vllm["choices"][0]["finish_reason"]) == (
        9,
        "length",
    )
    assert (tgi["usage"]["completion_tokens"], tgi["finish_reason"]) == (50, "stop")


def test_a_missing_endpoint_is_refused_in_awss_words(quick: Sandbox) -> None:
    assert refusal(ask, quick) == (
        "ValidationError",
        "Endpoint chat of account 123456789012 not found.",
    )


def test_an_endpoint_that_is_still_created_does_not_answer(quick: Sandbox) -> None:
    quick.put("delays", endpoint_s=60)
    launch(quick)

    assert refusal(ask, quick)[0] == "ValidationError"


def test_a_bigger_machine_and_a_smaller_model_are_faster(quick: Sandbox) -> None:
    launch(quick, "a10g")
    launch(quick, "h100", InstanceType="ml.p5.4xlarge")
    launch(quick, "small", model="org/Qwen-1.5B")
    for name in ("a10g", "h100", "small"):
        ask(quick, name=name)

    slow, fast, small = (latency_ms(quick, name) for name in ("a10g", "h100", "small"))
    # 100 tokens of 16 GB of weights at 60 % of 600 GB/s, and a first token of 20 ms and more.
    assert slow == pytest.approx(100 * 16e9 / (0.6 * 600e9) * 1_000 + 20, rel=0.05)
    assert fast < slow / 4
    assert small < slow / 4


def test_metrics_count_microseconds_by_variant(quick: Sandbox) -> None:
    launch(quick)
    ask(quick)
    ask(quick)
    own = {"EndpointName": "chat", "VariantName": "main"}

    assert metric(quick, "AWS/SageMaker", "Invocations", **own) == 2
    assert metric(quick, "AWS/SageMaker", "ModelLatency", "Minimum", **own) > 1_000_000
    assert metric(quick, "AWS/SageMaker", "OverheadLatency", "SampleCount", **own) == 2
    assert metric(quick, "AWS/SageMaker", "Invocation5XXErrors", **own) == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"question": "hi"}, "One of messages, prompt and inputs is required"),
        ({"messages": [{"role": "user"}]}, "Each message needs a role and content"),
        ({"prompt": "hi", "max_tokens": 0}, "must be a positive integer"),
        ([1, 2], "must be a JSON object"),
    ],
)
def test_a_body_that_the_container_does_not_understand_is_a_client_error(
    quick: Sandbox, body: Any, words: str
) -> None:
    launch(quick)
    code, sentence = refusal(ask, quick, body)

    assert code == "ModelError"
    assert sentence.startswith("Received client error (400) from primary with message")
    assert words in sentence
    own = {"EndpointName": "chat", "VariantName": "main"}
    assert metric(quick, "AWS/SageMaker", "Invocation4XXErrors", **own) == 1


def test_a_model_that_does_not_fit_the_machine_is_a_server_error(quick: Sandbox) -> None:
    launch(quick, model="org/Llama-3.3-70B-Instruct")
    code, sentence = refusal(ask, quick)

    assert code == "ModelError"
    assert sentence.startswith("Received server error (507)")
    own = {"EndpointName": "chat", "VariantName": "main"}
    assert metric(quick, "AWS/SageMaker", "Invocation5XXErrors", **own) == 1


def test_an_answer_that_takes_more_than_a_minute_times_out(quick: Sandbox) -> None:
    launch(quick)
    body = {"prompt": "All of it [slipway tokens=4000]", "max_tokens": 4_000}
    code, sentence = refusal(ask, quick, body)

    assert code == "ModelError"
    assert "Your invocation timed out while waiting for a response" in sentence


def test_a_variant_that_does_not_exist_cannot_be_targeted(quick: Sandbox) -> None:
    launch(quick)

    assert refusal(ask, quick, TargetVariant="other")[0] == "ValidationError"
    assert ask(quick, TargetVariant="main")["InvokedProductionVariant"] == "main"


def test_a_serverless_endpoint_starts_cold_and_is_warm_then(quick: Sandbox) -> None:
    launch(quick, model="org/tiny-0.5B", ServerlessConfig=SERVERLESS)
    ask(quick)
    ask(quick)
    own = {"EndpointName": "chat", "VariantName": "main"}

    assert metric(quick, "AWS/SageMaker", "ModelSetupTime", "SampleCount", **own) == 1
    overheads = [
        metric(quick, "AWS/SageMaker", "OverheadLatency", statistic, **own)
        for statistic in ("Minimum", "Maximum")
    ]
    assert overheads[1] > 100 * overheads[0]


def test_a_serverless_endpoint_refuses_above_its_concurrency(quick: Sandbox) -> None:
    launch(
        quick,
        model="org/tiny-0.5B",
        ServerlessConfig={"MemorySizeInMB": 6144, "MaxConcurrency": 1},
    )
    ask(quick)
    quick.put("delays", latency_scale=0.3)
    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(lambda _: _outcome(quick), range(6)))

    assert "answered" in outcomes
    assert "ThrottlingException" in outcomes
    assert set(outcomes) == {"answered", "ThrottlingException"}
    quick.put("delays", latency_scale=0)
    assert _outcome(quick) == "answered"


def _outcome(aws: Sandbox) -> str:
    try:
        ask(aws)
    except aws.client("sagemaker-runtime").exceptions.ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "answered"


def test_a_serverless_endpoint_needs_memory_for_its_model(quick: Sandbox) -> None:
    launch(
        quick, model="org/big-3B", ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    )

    assert "Not enough memory to load org/big-3B" in refusal(ask, quick)[1]


def test_a_serverless_payload_has_four_megabytes_at_most(quick: Sandbox) -> None:
    launch(quick, model="org/tiny-0.5B", ServerlessConfig=SERVERLESS)

    assert refusal(ask, quick, {"prompt": "x" * 4_300_000})[0] == "ValidationError"


def stream(aws: Sandbox) -> list[tuple[float, bytes]]:
    answer = aws.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName="chat", Body=json.dumps(CHAT)
    )
    return [(time.monotonic(), event["PayloadPart"]["Bytes"]) for event in answer["Body"]]


def test_a_stream_says_the_same_as_the_whole_answer(quick: Sandbox) -> None:
    launch(quick)
    whole = json.loads(ask(quick)["Body"].read())
    parts = [part for _, part in stream(quick)]
    chunks = [json.loads(p.removeprefix(b"data: ")) for p in parts[:-1]]
    said = "".join(c["choices"][0]["delta"]["content"] for c in chunks if c["choices"])

    assert parts[-1] == b"data: [DONE]\n\n"
    assert said == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == whole["usage"]


def test_a_stream_really_streams(aws: Sandbox) -> None:
    aws.put("delays", latency_scale=0.1)
    launch(aws)
    moments = [at for at, _ in stream(aws)]

    # 100 tokens at 44 ms each and a tenth of the time: the sleeps alone take 0.4 s.
    assert moments[-1] - moments[0] > 0.35


def test_a_stream_that_is_left_early_ends_and_counts_what_was_said(aws: Sandbox) -> None:
    aws.put("delays", latency_scale=0.1)
    launch(aws)
    answer = aws.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName="chat", Body=json.dumps(CHAT)
    )
    next(iter(answer["Body"]))
    answer["Body"].close()
    own = {"EndpointName": "chat", "VariantName": "main"}
    eventually(
        lambda: metric(aws, "AWS/SageMaker", "Invocations", **own) == 1, what="the call is counted"
    )

    assert latency_ms(aws) > 0
