"""Send one request to a running deployment, the way its callers do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from deployments.domain.invocation import Answer, Invoker, Outcome, Request, prompt
from deployments.domain.options import Tier
from portal import aws

THROTTLES = frozenset(
    {"ThrottlingException", "TooManyRequestsException", "ServiceUnavailableException"}
)
TOO_MANY = 429
# The smallest picture there is: what it costs is counted by the model, not by its bytes.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d4944415478da63fcffff3f030005fe02fea72d0b5a0000000049454e44ae426082"
)

Resources = Mapping[str, tuple[str, Mapping[str, Any]]]


def invoker_for(*, tier: str, found: Resources) -> Invoker:
    """Return what sends a request through a generation's resources: key -> (name, outputs).

    Raises ValueError for a tier that no launch builds.
    """
    match Tier(tier):
        case Tier.BEDROCK_ON_DEMAND:
            return partial(_timed, partial(_converse, str(found["profile"][1]["arn"])))
        case Tier.BEDROCK_PROVISIONED:
            return partial(_timed, partial(_converse, str(found["throughput"][1]["arn"])))
        case Tier.LAMBDA_BEDROCK:
            return partial(_timed, partial(_function, found["function"][0]))
        case Tier.SAGEMAKER_REAL_TIME | Tier.SAGEMAKER_SERVERLESS:
            return partial(_timed, partial(_endpoint, found["endpoint"][0]))
        case other:
            raise ValueError(f"Nothing sends requests to {other} yet.")


def _timed(send: Callable[[Request], None], request: Request) -> Answer:
    began = time.monotonic()
    try:
        send(request)
    except aws.ClientError as error:
        outcome = Outcome.THROTTLED if aws.error_code(error) in THROTTLES else Outcome.FAILED
        return Answer(outcome, _since(began), aws.error_words(error))
    except FunctionFailed as error:
        outcome = Outcome.THROTTLED if error.status == TOO_MANY else Outcome.FAILED
        return Answer(outcome, _since(began), str(error))
    except aws.BotoCoreError as error:
        return Answer(Outcome.FAILED, _since(began), str(error))
    return Answer(Outcome.ANSWERED, _since(began))


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _converse(model: str, request: Request) -> None:
    content: list[dict[str, Any]] = [{"text": prompt(request)}]
    content += [{"image": {"format": "png", "source": {"bytes": PICTURE}}}] * request.images
    reply = aws.invoking_client("bedrock-runtime").converse_stream(
        modelId=model,
        messages=[{"role": "user", "content": content}],
        inferenceConfig={"maxTokens": max(1, request.output_tokens)},
    )
    for _ in reply["stream"]:
        pass


class FunctionFailed(Exception):
    """The function ran and failed, or answered with an error of its own."""

    def __init__(self, words: str, *, status: int = 500) -> None:
        super().__init__(words)
        self.status = status


def _function(name: str, request: Request) -> None:
    """Invoke the live alias with what its URL would pass on."""
    body = {"prompt": prompt(request), "max_tokens": max(1, request.output_tokens)}
    reply = aws.invoking_client("lambda").invoke(
        FunctionName=name, Qualifier="live", Payload=json.dumps(body).encode()
    )
    answer = json.loads(reply["Payload"].read() or b"null")
    if "FunctionError" in reply:
        raise FunctionFailed(str(answer.get("errorMessage", answer))[:300])
    if answer["statusCode"] != 200:
        raise FunctionFailed(str(answer["body"])[:300], status=answer["statusCode"])


def _endpoint(name: str, request: Request) -> None:
    body = {
        "messages": [{"role": "user", "content": prompt(request)}],
        "max_tokens": max(1, request.output_tokens),
    }
    reply = aws.invoking_client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="application/json", Body=json.dumps(body).encode()
    )
    reply["Body"].read()
