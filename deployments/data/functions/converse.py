"""The function behind a Lambda + Bedrock deployment: one HTTP request, one Converse call."""

import base64
import json
import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# One client for the life of the environment; the model may think for minutes.
BEDROCK = boto3.client(
    "bedrock-runtime",
    config=Config(read_timeout=290, retries={"mode": "standard", "max_attempts": 2}),
)
MODEL_ID = os.environ["MODEL_ID"]
MOST_CHARACTERS = 2_000_000
MOST_OUTPUT_TOKENS = 64_000
ROLES = ("user", "assistant")
CALLER_STATUS = {
    "ThrottlingException": 429,
    "ValidationException": 400,
    "ModelTimeoutException": 504,
    "ServiceUnavailableException": 503,
}


class BadRequestError(Exception):
    """The request cannot be sent to a model; the sentence says why."""


def handler(event, context):
    """Answer a function-URL event, or a plain invocation with the same fields."""
    try:
        asked = parse(event)
        started = time.monotonic()
        reply = BEDROCK.converse(modelId=MODEL_ID, **asked)
    except BadRequestError as error:
        return answer(400, {"error": "bad-request", "message": str(error)})
    except ClientError as error:
        code = error.response["Error"]["Code"]
        message = error.response["Error"]["Message"]
        return answer(CALLER_STATUS.get(code, 502), {"error": code, "message": message})
    except BotoCoreError as error:
        return answer(504, {"error": type(error).__name__, "message": "The model gave no answer."})
    content = reply["output"]["message"]["content"]
    return answer(
        200,
        {
            "text": "".join(part.get("text", "") for part in content),
            "stop_reason": reply["stopReason"],
            "usage": {
                "input_tokens": reply["usage"]["inputTokens"],
                "output_tokens": reply["usage"]["outputTokens"],
            },
            "latency_ms": round((time.monotonic() - started) * 1000),
        },
    )


def parse(event):
    """Return Converse's arguments; the body of a URL event is a JSON string."""
    body = event
    if isinstance(event, dict) and "requestContext" in event:
        body = event.get("body") or ""
        try:
            if event.get("isBase64Encoded"):
                body = base64.b64decode(body, validate=True).decode()
            body = json.loads(body)
        except ValueError:
            raise BadRequestError("The body must be a JSON object.") from None
    if not isinstance(body, dict):
        raise BadRequestError("The body must be a JSON object.")
    asked = {
        "messages": messages(body),
        "inferenceConfig": {"maxTokens": whole(body, "max_tokens", 1024)},
    }
    if "temperature" in body:
        asked["inferenceConfig"]["temperature"] = fraction(body, "temperature")
    if body.get("system"):
        asked["system"] = [{"text": text(body["system"], "system")}]
    return asked


def messages(body):
    """Return `prompt`, or `messages` of role and text, as Converse takes them."""
    if "prompt" in body:
        return [{"role": "user", "content": [{"text": text(body["prompt"], "prompt")}]}]
    given = body.get("messages")
    if not isinstance(given, list) or not given:
        raise BadRequestError("Give a prompt, or messages with role and text.")
    for each in given:
        if not isinstance(each, dict) or each.get("role") not in ROLES:
            raise BadRequestError("Each message needs a role (user or assistant) and a text.")
    return [
        {"role": each["role"], "content": [{"text": text(each.get("text"), "text")}]}
        for each in given
    ]


def text(value, name):
    """Return a text that is neither empty nor absurdly long."""
    if not isinstance(value, str) or not value.strip():
        raise BadRequestError(f"{name} must be a text that is not empty.")
    if len(value) > MOST_CHARACTERS:
        raise BadRequestError(f"{name} has more than {MOST_CHARACTERS:,} characters.")
    return value


def whole(body, name, default):
    """Return a whole number of tokens."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRequestError(f"{name} must be a whole number.")
    if not 1 <= value <= MOST_OUTPUT_TOKENS:
        raise BadRequestError(f"{name} must be between 1 and {MOST_OUTPUT_TOKENS:,}.")
    return value


def fraction(body, name):
    """Return a number from 0 to 1."""
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequestError(f"{name} must be a number from 0 to 1.")
    return value


def answer(status, body):
    """Return the HTTP answer."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }
