"""One call of a model: is it allowed, what does it say, how long does it take, what is recorded."""

import threading
from dataclasses import dataclass

from sandbox import state
from sandbox.control import bedrock
from sandbox.runtime import replies, speeds
from sandbox.runtime.metrics import recorder
from sandbox.runtime.models import tool_use
from sandbox.runtime.models.prompt import Prompt, invalid
from sandbox.runtime.quotas import Allowance
from sandbox.wire import AwsError

allowance = Allowance()
_calls: dict[str, int] = {}
_calls_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Inference:
    """A call that is allowed, with its whole future known."""

    target: bedrock.Target
    input_tokens: int
    said: replies.Said
    latency: speeds.Latency
    authorization: str
    reserved_tokens: int

    @property
    def latency_ms(self) -> int:
        """The model's own latency, in milliseconds, whatever the sandbox really waits."""
        return round(self.latency.total_s(self.said.output_tokens) * 1000)


def find(model_id: str) -> bedrock.Target:
    """Return what a modelId stands for; refuses what AWS refuses, in its words."""
    with state.LOCK:
        target = bedrock.resolve(model_id)
    if target is None:
        raise invalid("The provided model identifier is invalid.")
    try:
        _check(target, model_id)
    except AwsError:
        _count(target, "InvocationClientErrors")
        raise
    return target


def _check(target: bedrock.Target, model_id: str) -> None:
    if target.kind == "provisioned":
        if target.status in {"Creating", "Failed"}:
            raise AwsError(
                "ModelNotReadyException",
                "The model is not ready for inference. Try your request again later.",
                status=429,
            )
        return
    if target.status == "EOL":
        raise AwsError(
            "ResourceNotFoundException",
            "This model version has reached the end of its life. Please refer to the AWS "
            "documentation for more details.",
            status=404,
        )
    if not target.on_demand_ok:
        raise invalid(
            f"Invocation of model ID {model_id} with on-demand throughput isn\u2019t supported. "
            "Retry your request with the ID or ARN of an inference profile that contains this "
            "model."
        )


def begin(target: bedrock.Target, prompt: Prompt, authorization: str) -> Inference:
    """Allow a call and draw its answer; refuses over the model's limits and over quota."""
    model = speeds.speed(target.foundation_model_id)
    try:
        limit = _output_limit(model, prompt)
    except AwsError:
        _count(target, "InvocationClientErrors")
        raise
    reserved = prompt.input_tokens + limit
    _take(target, reserved)
    said = tool_use.wish(model.model_id, prompt) or replies.say(
        model.model_id, prompt.text, limit, prompt.stop_sequences
    )
    chance = replies.dice("latency", model.model_id, _next_call(model.model_id))
    latency = speeds.draw(model, chance)
    return Inference(target, prompt.input_tokens, said, latency, authorization, reserved)


def _output_limit(model: speeds.Speed, prompt: Prompt) -> int:
    if prompt.max_tokens and prompt.max_tokens > model.max_output_tokens:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of "
            f"{model.max_output_tokens}. Try again with a maximum tokens value that is lower than "
            f"{model.max_output_tokens}."
        )
    if prompt.input_tokens > model.context_window_tokens:
        raise invalid("Input is too long for requested model.")
    return prompt.max_tokens or model.max_output_tokens


def _take(target: bedrock.Target, tokens: int) -> None:
    if target.model_units is not None:
        unit = speeds.model_unit()
        requests = unit.requests_per_minute * target.model_units
        per_minute = unit.tokens_per_minute * target.model_units
    else:
        requests = _quota("bedrock_requests_per_minute", target)
        per_minute = _quota("bedrock_tokens_per_minute", target)
    try:
        allowance.take(_bucket(target), requests=requests, tokens=per_minute, want_tokens=tokens)
    except AwsError:
        _count(target, "InvocationThrottles")
        raise


def _quota(name: str, target: bedrock.Target) -> int:
    table = state.quotas()[name]
    found = table.get(target.metric_model_id, table.get(target.foundation_model_id))
    return int(table["default"] if found is None else found)


def _bucket(target: bedrock.Target) -> str:
    """Return whose allowance is used: on-demand is per model, however it is named."""
    return target.metric_model_id if target.model_units is not None else target.foundation_model_id


def _next_call(model_id: str) -> int:
    with _calls_lock:
        number = _calls.get(model_id, 0)
        _calls[model_id] = number + 1
        return number


def finish(inference: Inference, *, output_tokens: int, streamed: bool) -> None:
    """Settle the quota and write the call's metrics; a stream that was left early said less.

    Input and maximum were reserved; input and output times the model's burndown stay taken.
    """
    model = speeds.speed(inference.target.foundation_model_id)
    burned = inference.input_tokens + output_tokens * model.output_quota_burndown
    allowance.give_back(_bucket(inference.target), inference.reserved_tokens - burned)
    values = {
        "Invocations": (1.0, "Count"),
        "InputTokenCount": (float(inference.input_tokens), "Count"),
        "OutputTokenCount": (float(output_tokens), "Count"),
        "InvocationLatency": (
            round(inference.latency.total_s(output_tokens) * 1000, 3),
            "Milliseconds",
        ),
    }
    if streamed:
        values["TimeToFirstToken"] = (round(inference.latency.ttft_s * 1000, 3), "Milliseconds")
    if inference.target.status == "LEGACY":
        values["LegacyModelInvocations"] = (1.0, "Count")
    dimensions = {"ModelId": inference.target.metric_model_id}
    for name, (value, unit) in values.items():
        recorder.record("AWS/Bedrock", name, dimensions, value, unit)


def _count(target: bedrock.Target, name: str) -> None:
    recorder.record("AWS/Bedrock", name, {"ModelId": target.metric_model_id}, 1.0, "Count")


def reset() -> None:
    """Forget allowances and how many calls were made."""
    allowance.clear()
    with _calls_lock:
        _calls.clear()


def calls() -> dict[str, int]:
    """Return how often each model was called; the next latencies depend on it."""
    with _calls_lock:
        return dict(_calls)


def take_up(kept: dict[str, int]) -> None:
    """Go on counting calls where an earlier process stopped."""
    with _calls_lock:
        _calls.update(kept)
