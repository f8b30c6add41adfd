"""Bedrock's runtime answers real clients: who may call, what is said, counted and recorded."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox
from tests.sandbox.runtime import HAIKU, NOVA, converse, metric, refusal, talk

ANTHROPIC = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 60}


@pytest.fixture
def quick(aws: Sandbox) -> Sandbox:
    aws.put("delays", latency_scale=0)
    return aws


def invoke(aws: Sandbox, model_id: str, body: dict[str, Any]) -> dict[str, Any]:
    client = aws.client("bedrock-runtime")
    found: dict[str, Any] = client.invoke_model(modelId=model_id, body=json.dumps(body))
    return found


def stream(aws: Sandbox, model_id: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = aws.client("bedrock-runtime").invoke_model_with_response_stream(
        modelId=model_id, body=json.dumps(body)
    )
    return [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]


def buy_unit(aws: Sandbox) -> str:
    arn: str = aws.client("bedrock").create_provisioned_model_throughput(
        provisionedModelName="pinned", modelId="amazon.nova-lite-v1:0:24k", modelUnits=1
    )["provisionedModelArn"]
    return arn


def make_profile(aws: Sandbox, source: str) -> str:
    arn: str = aws.client("bedrock").create_inference_profile(
        inferenceProfileName="chat", modelSource={"copyFrom": source}
    )["inferenceProfileArn"]
    return arn


def test_a_system_profile_answers_and_counts_tokens(quick: Sandbox) -> None:
    answer = converse(quick, HAIKU, "Where is my parcel? [slipway tokens=42]")

    usage = answer["usage"]
    assert usage["outputTokens"] == 42
    assert usage["totalTokens"] == usage["inputTokens"] + 42
    assert answer["stopReason"] == "end_turn"
    assert len(answer["output"]["message"]["content"][0]["text"].split()) > 20
    assert answer["metrics"]["latencyMs"] > 0


def test_the_same_prompt_gets_the_same_reply_and_another_prompt_another(quick: Sandbox) -> None:
    def say(text: str) -> str:
        found: str = converse(quick, HAIKU, text)["output"]["message"]["content"][0]["text"]
        return found

    assert say("Where is it?") == say("Where is it?")
    assert say("Where is it?") != say("Where was it?")


def test_another_seed_gives_another_reply(quick: Sandbox) -> None:
    before = converse(quick, HAIKU)["output"]
    seed = quick.get("faults")["seed"]
    quick.put("faults", seed=seed + 1)
    after = converse(quick, HAIKU)["output"]
    quick.put("faults", seed=seed)

    assert before != after


def test_the_token_limit_cuts_the_reply(quick: Sandbox) -> None:
    answer = converse(
        quick, HAIKU, "Tell all [slipway tokens=500]", inferenceConfig={"maxTokens": 9}
    )

    assert answer["usage"]["outputTokens"] == 9
    assert answer["stopReason"] == "max_tokens"


def test_a_stop_sequence_ends_the_reply(quick: Sandbox) -> None:
    answer = converse(
        quick, HAIKU, "Go on [slipway tokens=80]", inferenceConfig={"stopSequences": ["."]}
    )

    assert answer["stopReason"] == "stop_sequence"
    assert "." not in answer["output"]["message"]["content"][0]["text"]


def test_a_bare_id_that_needs_a_profile_is_refused_in_awss_words(quick: Sandbox) -> None:
    code, sentence = refusal(converse, quick, HAIKU.removeprefix("us."))

    assert code == "ValidationException"
    assert sentence == (
        "Invocation of model ID anthropic.claude-haiku-4-5-20251001-v1:0 with on-demand throughput "
        "isn\u2019t supported. Retry your request with the ID or ARN of an inference profile that "
        "contains this model."
    )


def test_a_model_at_its_end_of_life_is_not_found(quick: Sandbox) -> None:
    code, sentence = refusal(converse, quick, "ai21.j2-mid-v1")

    assert code == "ResourceNotFoundException"
    assert sentence.startswith("This model version has reached the end of its life")


@pytest.mark.parametrize(
    "model_id",
    ["no.such-model", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/gone"],
)
def test_an_unknown_model_is_invalid(quick: Sandbox, model_id: str) -> None:
    assert refusal(converse, quick, model_id) == (
        "ValidationException",
        "The provided model identifier is invalid.",
    )


def test_an_application_profile_counts_under_its_own_id(quick: Sandbox) -> None:
    source = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{HAIKU}"
    arn = make_profile(quick, source)
    usage = converse(quick, arn)["usage"]
    own = arn.rpartition("/")[2]

    assert metric(quick, "AWS/Bedrock", "InputTokenCount", ModelId=own) == usage["inputTokens"]
    assert metric(quick, "AWS/Bedrock", "OutputTokenCount", ModelId=own) == usage["outputTokens"]
    assert metric(quick, "AWS/Bedrock", "Invocations", ModelId=HAIKU) == 0


def test_provisioned_throughput_serves_when_it_is_in_service(quick: Sandbox) -> None:
    quick.put("delays", provisioned_throughput_s=60)
    arn = buy_unit(quick)
    assert refusal(converse, quick, arn)[0] == "ModelNotReadyException"
    quick.reset()
    quick.put("delays", provisioned_throughput_s=0, latency_scale=0)
    arn = buy_unit(quick)

    assert converse(quick, arn)["usage"]["outputTokens"] > 0
    own = arn.rpartition("/")[2]
    assert metric(quick, "AWS/Bedrock", "Invocations", ModelId=own) == 1


def test_a_model_unit_throttles_when_its_capacity_is_spent(quick: Sandbox) -> None:
    arn = buy_unit(quick)
    text = "word " * 20_000
    outcomes = []
    for _ in range(14):
        try:
            converse(quick, arn, text, inferenceConfig={"maxTokens": 1})
            outcomes.append("answered")
        except Exception as error:
            outcomes.append(error.response["Error"]["Code"])  # type: ignore[attr-defined]

    assert outcomes[0] == "answered"
    assert outcomes[-1] == "ThrottlingException"
    throttles = metric(quick, "AWS/Bedrock", "InvocationThrottles", ModelId=arn.rpartition("/")[2])
    assert throttles == outcomes.count("ThrottlingException")


def test_the_quota_of_requests_throttles_and_such_calls_count_in_nothing_else(
    quick: Sandbox,
) -> None:
    quick.put("quotas", bedrock_requests_per_minute={NOVA: 2})
    converse(quick, NOVA)
    converse(quick, NOVA)

    assert refusal(converse, quick, NOVA) == (
        "ThrottlingException",
        "Too many requests, please wait before trying again.",
    )
    assert metric(quick, "AWS/Bedrock", "InvocationThrottles", ModelId=NOVA) == 1
    assert metric(quick, "AWS/Bedrock", "Invocations", ModelId=NOVA) == 2


def test_the_quota_of_tokens_is_reserved_with_the_limit_and_given_back(quick: Sandbox) -> None:
    quick.put("quotas", bedrock_tokens_per_minute={NOVA: 10_000})
    small = {"maxTokens": 5_000}
    for _ in range(4):
        converse(quick, NOVA, "Hi [slipway tokens=5]", inferenceConfig=small)
    converse(quick, NOVA, "Hi [slipway tokens=4000]", inferenceConfig=small)
    converse(quick, NOVA, "Hi [slipway tokens=3000]", inferenceConfig=small)

    code, sentence = refusal(converse, quick, NOVA, "Hi", inferenceConfig=small)
    assert (code, sentence) == (
        "ThrottlingException",
        "Too many tokens, please wait before trying again.",
    )


def test_a_limit_above_the_models_own_is_refused(quick: Sandbox) -> None:
    code, sentence = refusal(converse, quick, NOVA, inferenceConfig={"maxTokens": 90_000})

    assert code == "ValidationException"
    assert "exceeds the model limit of 10000" in sentence
    assert metric(quick, "AWS/Bedrock", "InvocationClientErrors", ModelId=NOVA) == 1


def test_an_input_beyond_the_context_window_is_refused(quick: Sandbox) -> None:
    code, sentence = refusal(converse, quick, NOVA, "word " * 310_000)

    assert (code, sentence) == ("ValidationException", "Input is too long for requested model.")


def test_a_conversation_starts_with_the_user(quick: Sandbox) -> None:
    client = quick.client("bedrock-runtime")
    turns = [{"role": "assistant", "content": [{"text": "Hello"}]}]

    code, sentence = refusal(client.converse, modelId=NOVA, messages=turns)
    assert code == "ValidationException"
    assert sentence.startswith("A conversation must start with a user message.")


def test_a_stream_says_the_same_as_the_whole_answer(quick: Sandbox) -> None:
    whole = converse(quick, HAIKU, "Say it [slipway tokens=50]")
    events = list(
        quick.client("bedrock-runtime").converse_stream(
            modelId=HAIKU, messages=talk("Say it [slipway tokens=50]")
        )["stream"]
    )
    said = "".join(
        e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e
    )

    assert said == whole["output"]["message"]["content"][0]["text"]
    assert events[0] == {"messageStart": {"role": "assistant"}}
    assert events[-2] == {"messageStop": {"stopReason": "end_turn"}}
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    assert metric(quick, "AWS/Bedrock", "TimeToFirstToken", "SampleCount", ModelId=HAIKU) == 1


def test_a_stream_really_streams(aws: Sandbox) -> None:
    aws.put("delays", latency_scale=0.5)
    answer = aws.client("bedrock-runtime").converse_stream(
        modelId=NOVA, messages=talk("Slowly [slipway tokens=170]")
    )
    moments = [time.monotonic() for event in answer["stream"] if "contentBlockDelta" in event]

    # 170 tokens at 169.7 tokens/s and half the time: the sleeps alone take 0.47 s.
    assert len(moments) == 22
    assert moments[-1] - moments[0] > 0.4


def test_the_recorded_latency_is_the_models_own_whatever_is_waited(quick: Sandbox) -> None:
    latencies = [converse(quick, HAIKU)["metrics"]["latencyMs"] for _ in range(40)]

    recorded = metric(quick, "AWS/Bedrock", "InvocationLatency", ModelId=HAIKU)
    assert recorded == pytest.approx(sum(latencies), rel=0.01)
    assert 800 < sorted(latencies)[20] < 5_000
    assert len(set(latencies)) > 30


def test_the_same_seed_draws_the_same_latencies(quick: Sandbox) -> None:
    first = [converse(quick, NOVA)["metrics"]["latencyMs"] for _ in range(5)]
    quick.reset()
    quick.put("delays", latency_scale=0)

    assert [converse(quick, NOVA)["metrics"]["latencyMs"] for _ in range(5)] == first


def test_anthropics_native_shape_is_spoken(quick: Sandbox) -> None:
    body = ANTHROPIC | {"messages": [{"role": "user", "content": "Hi [slipway tokens=30]"}]}
    answer = invoke(quick, HAIKU, body)
    said = json.loads(answer["body"].read())

    assert said["usage"]["output_tokens"] == 30
    assert said["stop_reason"] == "end_turn"
    assert said["content"][0]["type"] == "text"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-output-token-count"] == "30"
    chunks = stream(quick, HAIKU, body)
    text = "".join(c["delta"].get("text", "") for c in chunks if c["type"].endswith("block_delta"))
    assert text == said["content"][0]["text"]
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 30


def test_novas_native_shape_is_spoken(quick: Sandbox) -> None:
    body = {
        "messages": [{"role": "user", "content": [{"text": "Hi [slipway tokens=25]"}]}],
        "inferenceConfig": {"maxTokens": 10},
    }
    said = json.loads(invoke(quick, NOVA, body)["body"].read())

    assert said["usage"]["outputTokens"] == 10
    assert said["stopReason"] == "max_tokens"
    assert stream(quick, NOVA, body)[-1]["metadata"]["usage"] == said["usage"]


def test_openais_native_shape_is_spoken_by_the_others(quick: Sandbox) -> None:
    body = {"messages": [{"role": "user", "content": "Hi [slipway tokens=25]"}], "max_tokens": 99}
    said = json.loads(invoke(quick, "openai.gpt-oss-20b-1:0", body)["body"].read())

    assert said["usage"]["completion_tokens"] == 25
    assert said["choices"][0]["finish_reason"] == "stop"
    prompt = {"prompt": "Hi [slipway tokens=25]", "max_tokens": 7}
    outputs = json.loads(invoke(quick, "mistral.ministral-3-8b-instruct", prompt)["body"].read())
    assert outputs["outputs"][0]["stop_reason"] == "length"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"max_tokens": 5, "messages": []}, "anthropic_version: Field required"),
        ({"anthropic_version": "bedrock-2023-05-31"}, "max_tokens: Field required"),
        (ANTHROPIC | {"messages": "hi"}, "messages: at least one message is required"),
        (ANTHROPIC | {"messages": [{"role": "me", "content": "hi"}]}, "messages.0.role: Input"),
        (ANTHROPIC | {"max_tokens": -1, "messages": [{"role": "user", "content": "x"}]}, "max_to"),
    ],
)
def test_a_native_body_that_is_wrong_is_refused_with_the_field(
    quick: Sandbox, body: dict[str, Any], sentence: str
) -> None:
    code, said = refusal(invoke, quick, HAIKU, body)

    assert code == "ValidationException"
    assert said.startswith(sentence)


def test_a_native_body_that_is_no_json_is_refused(quick: Sandbox) -> None:
    client = quick.client("bedrock-runtime")

    code, said = refusal(client.invoke_model, modelId=HAIKU, body=b"{not json")
    assert (code, said.split(",")[0]) == ("ValidationException", "Malformed input request")


def test_tokens_can_be_counted_before_they_are_paid(quick: Sandbox) -> None:
    client = quick.client("bedrock-runtime")
    messages = talk("How many tokens is this, please?")
    counted = client.count_tokens(modelId=NOVA, input={"converse": {"messages": messages}})
    native = {
        "messages": [{"role": "user", "content": [{"text": messages[0]["content"][0]["text"]}]}]
    }
    again = client.count_tokens(
        modelId=NOVA, input={"invokeModel": {"body": json.dumps(native).encode()}}
    )

    assert counted["inputTokens"] == again["inputTokens"]
    assert metric(quick, "AWS/Bedrock", "Invocations", ModelId=NOVA) == 0
    answer = client.converse(modelId=NOVA, messages=messages)
    assert answer["usage"]["inputTokens"] == counted["inputTokens"]


def test_a_long_prompt_costs_what_it_is_long(quick: Sandbox) -> None:
    short = converse(quick, HAIKU, "word " * 100)["usage"]["inputTokens"]
    long = converse(quick, HAIKU, "word " * 1_000)["usage"]["inputTokens"]

    assert long - short == 900


def test_many_callers_at_once_are_all_counted(quick: Sandbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: converse(quick, NOVA, f"Question {n}"), range(64)))

    total = sum(answer["usage"]["outputTokens"] for answer in answers)
    assert metric(quick, "AWS/Bedrock", "Invocations", ModelId=NOVA) == 64
    assert metric(quick, "AWS/Bedrock", "OutputTokenCount", ModelId=NOVA) == total
