"""Lambda really runs the deployed code: results, errors, limits, logs, versions and URLs."""

import base64
import json
import os
import re
import signal
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox, eventually
from tests.sandbox.runtime import NOVA, archive, deploy, invoke, metric, refusal

ECHO = """
import os
def handle(event, context):
    print("said", event)
    return {"event": event, "version": context.function_version, "pid": os.getpid(),
            "arn": context.invoked_function_arn, "mode": os.environ.get("MODE")}
"""
ASKS_A_MODEL = f"""
import boto3
model = boto3.client("bedrock-runtime")
def handle(event, context):
    answer = model.converse(modelId="{NOVA}", messages=[{{"role": "user", "content": [
        {{"text": event["text"]}}]}}])
    return answer["usage"] | answer["metrics"]
"""
SLEEPS = "import time\ndef handle(event, context): time.sleep(event['seconds'])"


@pytest.fixture
def quick(aws: Sandbox) -> Sandbox:
    aws.put("delays", latency_scale=0)
    return aws


def tail(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["LogResult"]).decode()


def url_of(aws: Sandbox, name: str, **wish: Any) -> str:
    wish = {"FunctionName": name, "AuthType": "NONE"} | wish
    found: str = aws.client("lambda").create_function_url_config(**wish)["FunctionUrl"]
    return found


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(  # noqa: S310 - always http
        url, data=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            return reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read()
    except urllib.error.HTTPError as refused:
        with refused:
            headers = {k.lower(): v for k, v in refused.headers.items()}
            return refused.code, headers, refused.read()


def test_the_code_runs_and_its_result_comes_back(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO, Environment={"Variables": {"MODE": "test"}})
    payload, answer = invoke(quick, "echo", {"a": [1, None, "ü"]})

    assert payload["event"] == {"a": [1, None, "ü"]}
    assert payload["mode"] == "test"
    assert payload["arn"].endswith(":function:echo")
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer


def test_a_first_call_is_cold_and_the_next_is_warm_in_the_same_process(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO)
    first, cold = invoke(quick, "echo", LogType="Tail")
    second, warm = invoke(quick, "echo", LogType="Tail")

    assert first["pid"] == second["pid"]
    assert "Init Duration" in tail(cold)
    assert "Init Duration" not in tail(warm)


def test_the_log_tells_what_was_printed_and_billed(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO, MemorySize=512)
    _, answer = invoke(quick, "echo", {"n": 1}, LogType="Tail")
    lines = tail(answer).splitlines()

    assert lines[0].startswith("START RequestId: ")
    assert lines[1] == "said {'n': 1}"
    assert lines[2].startswith("END RequestId: ")
    report = re.fullmatch(
        r"REPORT RequestId: \S+\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t"
        r"Memory Size: 512 MB\tMax Memory Used: (\d+) MB\tInit Duration: ([\d.]+) ms\t",
        lines[3],
    )
    assert report
    duration, billed, used, init = (float(text) for text in report.groups())
    assert billed == pytest.approx(duration + init, abs=1)
    assert used > 1


def test_prints_of_one_call_are_not_in_the_log_of_the_next(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO)
    invoke(quick, "echo", "first", LogType="Tail")
    _, answer = invoke(quick, "echo", "second", LogType="Tail")

    assert "said second" in tail(answer)
    assert "first" not in tail(answer)
    assert "\0" not in tail(answer)


def test_logs_are_kept_when_the_group_exists(quick: Sandbox) -> None:
    logs = quick.client("logs")
    deploy(quick, "echo", ECHO)
    invoke(quick, "echo", "unheard")
    logs.create_log_group(logGroupName="/aws/lambda/echo")
    invoke(quick, "echo", "heard")
    events = logs.filter_log_events(logGroupName="/aws/lambda/echo")["events"]

    messages = [event["message"] for event in events]
    assert "said heard" in messages
    assert "said unheard" not in messages


def test_a_function_sees_the_standard_library_and_its_own_modules_only(quick: Sandbox) -> None:
    modules = ("code", "logs", "pool", "sandbox", "environment")
    code = f"""
from importlib.util import find_spec
def handle(event, context): return [bool(find_spec(name)) for name in {modules}]
"""
    deploy(quick, "looks", code)

    assert invoke(quick, "looks")[0] == [True, False, False, False, False]


def test_an_error_has_lambdas_shape_and_counts(quick: Sandbox) -> None:
    deploy(quick, "broken", "def handle(event, context):\n    raise KeyError('price')")
    payload, answer = invoke(quick, "broken")

    assert answer["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("KeyError", "'price'")
    assert len(payload["stackTrace"]) == 1
    assert '"/var/task/app.py", line 2, in handle' in payload["stackTrace"][0]
    assert metric(quick, "AWS/Lambda", "Errors", FunctionName="broken") == 1
    assert metric(quick, "AWS/Lambda", "Invocations", FunctionName="broken") == 1


@pytest.mark.parametrize(
    ("code", "wish", "kind", "words"),
    [
        ("import nothing_such", {}, "Runtime.ImportModuleError", "Unable to import module 'app'"),
        ("x = 1", {}, "Runtime.HandlerNotFound", "Handler 'handle' missing on module 'app'"),
        ("def handle(:", {}, "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("def handle(e, c): return {1}", {}, "Runtime.MarshalError", "Unable to marshal"),
        ("import os\ndef handle(e, c): os._exit(3)", {}, "Runtime.ExitError", "exit status 3"),
        ("1 / 0", {}, "ZeroDivisionError", "division by zero"),
    ],
)
def test_what_can_go_wrong_is_told_as_lambda_tells_it(
    quick: Sandbox, code: str, wish: dict[str, Any], kind: str, words: str
) -> None:
    deploy(quick, "broken", code, **wish)
    payload, answer = invoke(quick, "broken")

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == kind
    assert words in payload["errorMessage"]
    invoke(quick, "broken")
    assert metric(quick, "AWS/Lambda", "Errors", FunctionName="broken") == 2


def test_a_function_that_takes_too_long_is_ended(quick: Sandbox) -> None:
    deploy(quick, "slow", SLEEPS, Timeout=1)
    payload, answer = invoke(quick, "slow", {"seconds": 30}, LogType="Tail")

    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert "Task timed out" in tail(answer)
    assert metric(quick, "AWS/Lambda", "Duration", FunctionName="slow") == 1_000
    payload, answer = invoke(quick, "slow", {"seconds": 0})
    assert "FunctionError" not in answer


def test_waiting_for_a_model_is_paid_also_when_the_sandbox_hurries(quick: Sandbox) -> None:
    deploy(quick, "asks", ASKS_A_MODEL)
    usage, answer = invoke(quick, "asks", {"text": "Hi [slipway tokens=500]"})

    assert "FunctionError" not in answer, usage
    assert usage["outputTokens"] == 500
    assert metric(quick, "AWS/Bedrock", "OutputTokenCount", ModelId=NOVA) == 500
    paid_ms = metric(quick, "AWS/Lambda", "Duration", FunctionName="asks")
    assert paid_ms >= usage["latencyMs"] > 2_900


def test_a_model_slower_than_the_limit_times_the_function_out(quick: Sandbox) -> None:
    deploy(quick, "asks", ASKS_A_MODEL, Timeout=3)
    payload, answer = invoke(quick, "asks", {"text": "Hi [slipway tokens=5000]"})

    assert answer["FunctionError"] == "Unhandled"
    assert "Task timed out after 3.00 seconds" in payload["errorMessage"]


def test_reserved_concurrency_throttles_the_call_above_it(quick: Sandbox) -> None:
    entered = "ConcurrentExecutions"
    deploy(quick, "slow", SLEEPS)
    quick.client("lambda").put_function_concurrency(
        FunctionName="slow", ReservedConcurrentExecutions=1
    )
    invoke(quick, "slow", {"seconds": 0})
    with ThreadPoolExecutor(1) as thread:
        busy = thread.submit(invoke, quick, "slow", {"seconds": 3})
        eventually(
            lambda: metric(quick, "AWS/Lambda", entered, "SampleCount", FunctionName="slow") == 2,
            what="the long call has begun",
        )
        with pytest.raises(quick.client("lambda").exceptions.TooManyRequestsException) as refused:
            invoke(quick, "slow", {"seconds": 0})
        busy.result()
    said = refused.value.response

    assert said["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert said["message"] == "Rate Exceeded."
    assert metric(quick, "AWS/Lambda", "Throttles", FunctionName="slow") == 1
    assert metric(quick, "AWS/Lambda", entered, "Maximum", FunctionName="slow") == 1


def test_calls_at_once_run_in_processes_of_their_own(quick: Sandbox) -> None:
    code = ECHO.replace('print("said", event)', "import time; time.sleep(0.5)")
    deploy(quick, "echo", code)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda n: invoke(quick, "echo", n)[0], range(3)))

    assert {answer["event"] for answer in found} == {0, 1, 2}
    assert len({answer["pid"] for answer in found}) > 1


def test_versions_and_aliases_run_the_code_they_stand_for(quick: Sandbox) -> None:
    client = quick.client("lambda")
    deploy(quick, "echo", "def handle(e, c): return 'one ' + c.function_version")
    client.publish_version(FunctionName="echo")
    client.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
    code = archive("def handle(e, c): return 'two ' + c.function_version")
    client.update_function_code(FunctionName="echo", ZipFile=code)

    assert invoke(quick, "echo")[0] == "two $LATEST"
    assert invoke(quick, "echo", Qualifier="1")[0] == "one 1"
    payload, answer = invoke(quick, "echo", Qualifier="live")
    assert (payload, answer["ExecutedVersion"]) == ("one 1", "1")
    client.publish_version(FunctionName="echo")
    client.update_alias(FunctionName="echo", Name="live", FunctionVersion="2")
    assert invoke(quick, "echo:live")[0] == "two 2"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:echo:live"
    assert invoke(quick, arn)[0] == "two 2"
    own = {"FunctionName": "echo", "Resource": "echo:live"}
    assert metric(quick, "AWS/Lambda", "Invocations", **own) == 3
    assert metric(quick, "AWS/Lambda", "Invocations", FunctionName="echo") == 5


def test_what_is_not_there_cannot_be_invoked(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO)

    assert refusal(invoke, quick, "nobody") == (
        "ResourceNotFoundException",
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody",
    )
    code, sentence = refusal(invoke, quick, "echo", Qualifier="live")
    assert code == "ResourceNotFoundException"
    assert sentence.endswith("function:echo:live")


def test_a_pending_function_is_not_run(quick: Sandbox) -> None:
    quick.put("delays", function_s=60)
    deploy(quick, "echo", ECHO)

    code, sentence = refusal(invoke, quick, "echo")
    assert code == "ResourceConflictException"
    assert "Pending" in sentence


def test_a_payload_that_is_no_json_is_refused(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO)
    call = quick.client("lambda").invoke

    code, sentence = refusal(call, FunctionName="echo", Payload=b"{oops")
    assert code == "InvalidRequestContentException"
    assert sentence.startswith("Could not parse request body into json")


def test_a_payload_above_six_megabytes_is_refused(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO)
    call = quick.client("lambda").invoke

    code, _ = refusal(call, FunctionName="echo", Payload=json.dumps("x" * 6_300_000))
    assert code == "RequestTooLargeException"


def test_an_event_is_taken_at_once_and_run_again_after_an_error(quick: Sandbox) -> None:
    quick.put("delays", lambda_event_retry_s=0)
    deploy(quick, "broken", "def handle(event, context): raise ValueError('no')")
    answer = quick.client("lambda").invoke(
        FunctionName="broken", InvocationType="Event", Payload=b"{}"
    )

    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    eventually(
        lambda: metric(quick, "AWS/Lambda", "Invocations", FunctionName="broken") == 3,
        what="three attempts",
    )


def test_a_function_url_answers_like_the_function(quick: Sandbox) -> None:
    deploy(quick, "echo", "def handle(event, context): return event")
    url = url_of(quick, "echo")
    status, headers, body = fetch(
        url + "v1/ask%20me?a=1&a=2&b=", b'{"q": 1}', Content_Type="application/json", Cookie="s=1"
    )
    event = json.loads(body)

    assert (status, headers["content-type"]) == (200, "application/json")
    assert (event["version"], event["rawPath"]) == ("2.0", "/v1/ask me")
    assert event["rawQueryString"] == "a=1&a=2&b="
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert (event["body"], event["isBase64Encoded"]) == ('{"q": 1}', False)
    assert event["cookies"] == ["s=1"]
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["headers"]["content-type"] == "application/json"


def test_a_binary_body_reaches_the_function_as_base64(quick: Sandbox) -> None:
    deploy(quick, "echo", "def handle(event, context): return event")
    url = url_of(quick, "echo")
    event = json.loads(fetch(url, b"\x00\xff", Content_Type="image/png")[2])

    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x00\xff", True)


def test_a_function_decides_over_status_headers_and_bytes(quick: Sandbox) -> None:
    code = """
import base64
def handle(event, context):
    return {"statusCode": 418, "headers": {"X-Kind": "tea"}, "cookies": ["a=b"],
            "isBase64Encoded": True, "body": base64.b64encode(b"\\x00pot").decode()}
"""
    deploy(quick, "tea", code)
    status, headers, body = fetch(url_of(quick, "tea"))

    assert (status, body) == (418, b"\x00pot")
    assert (headers["x-kind"], headers["set-cookie"]) == ("tea", "a=b")


def test_a_failing_function_is_a_bad_gateway(quick: Sandbox) -> None:
    deploy(quick, "broken", "def handle(event, context): raise ValueError('secret')")
    status, _, body = fetch(url_of(quick, "broken"))

    assert (status, body) == (502, b"Internal Server Error")


def test_a_url_with_iam_wants_a_signature(quick: Sandbox) -> None:
    deploy(quick, "echo", ECHO)
    url = url_of(quick, "echo", AuthType="AWS_IAM")

    assert fetch(url)[0] == 403
    signed = "AWS4-HMAC-SHA256 Credential=sandbox/20261120/us-east-1/lambda/aws4_request"
    assert fetch(url, Authorization=signed)[0] == 200


def test_a_url_of_an_alias_runs_its_version(quick: Sandbox) -> None:
    client = quick.client("lambda")
    deploy(quick, "echo", "def handle(e, c): return {'v': c.function_version}")
    client.publish_version(FunctionName="echo")
    client.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
    url = url_of(quick, "echo", Qualifier="live")

    assert json.loads(fetch(url)[2]) == {"v": "1"}
    assert fetch(url.replace("/lambda-url/", "/lambda-url/x"))[0] == 404


def test_functions_that_work_at_once_through_a_url_leave_exact_counts(quick: Sandbox) -> None:
    deploy(quick, "asks", ASKS_A_MODEL.replace('event["text"]', '"Hi [slipway tokens=20]"'))
    url = url_of(quick, "asks")
    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda n: fetch(url)[0], range(20)))

    assert statuses == [200] * 20
    assert metric(quick, "AWS/Lambda", "Invocations", FunctionName="asks") == 20
    assert metric(quick, "AWS/Bedrock", "OutputTokenCount", ModelId=NOVA) == 400


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's parent-death signal")
def test_functions_die_with_the_sandbox_even_when_it_is_killed(mortal: Sandbox) -> None:
    mortal.put("delays", function_s=0)
    deploy(mortal, "echo", ECHO)
    pid = invoke(mortal, "echo")[0]["pid"]
    os.kill(pid, 0)
    mortal.stop(signal.SIGKILL)

    eventually(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not _runs(pid), what="it died")


def _runs(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.slow
def test_a_function_runs_again_after_a_restart(mortal: Sandbox) -> None:
    mortal.put("delays", function_s=0, latency_scale=0)
    deploy(mortal, "echo", ECHO)
    before = invoke(mortal, "echo", 1)[0]
    mortal.stop(signal.SIGTERM)
    mortal.start()
    after = invoke(mortal, "echo", 2)[0]

    assert (before["event"], after["event"]) == (1, 2)
    assert before["pid"] != after["pid"]
