"""What AWS's words mean, and what to do about them. Pure.

Failure reasons: AWS service models (botocore 1.44), and the issues named beside each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A sentence on what happened, and one on what helps."""

    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class _Case:
    signs: tuple[str, ...]
    diagnosis: Diagnosis


# The first case of which any sign is in "<code> <words>" holds; the most specific ones come first.
_CASES: Sequence[_Case] = (
    _Case(
        # github.com/aws/deep-learning-containers issue 6673, 2026-08-28
        ("InsufficientInstanceCapacity", "CapacityError", "InsufficientCapacity"),
        Diagnosis(
            "AWS has no free instance of this type in the Region just now. Your quota is fine.",
            "Retry later, or launch an option on another instance type.",
        ),
    ),
    _Case(
        # github.com/awslabs/llm-hosting-container issue 18
        ("did not pass the ping health check",),
        Diagnosis(
            "The container started but did not say it was healthy in time: the model was still "
            "loading, did not fit into memory, or the image does not suit the instance.",
            "Read the endpoint's log group, then launch with a larger instance or other weights.",
        ),
    ),
    _Case(
        ("UnreservedConcurrentExecution",),
        Diagnosis(
            "AWS keeps 100 concurrent executions of the account unreserved; this reservation would "
            "take them.",
            "Ask for more Lambda concurrency in Service Quotas, or launch with a lower peak.",
        ),
    ),
    _Case(
        ("ResourceLimitExceeded", "ServiceQuotaExceeded", "LimitExceeded", "TooManyTags"),
        Diagnosis(
            "The account's quota does not allow this much.",
            "Ask for an increase in Service Quotas (model units: a Support case), then retry.",
        ),
    ),
    _Case(
        ("before its term ends", "commitment"),
        Diagnosis(
            "Model units with a commitment cannot be deleted before the term ends; they are paid "
            "until then.",
            "Nothing to do: they are deleted as soon as AWS allows it.",
        ),
    ),
    _Case(
        ("end of its life", "Legacy model"),
        Diagnosis(
            "AWS no longer offers this model.",
            "Compare again and launch an option with a current model.",
        ),
    ),
    _Case(
        ("AccessDenied", "UnauthorizedOperation", "not authorized"),
        Diagnosis(
            "The role that Slipway works with may not do this in the account.",
            "Have the named action added to Slipway's role, then retry.",
        ),
    ),
    _Case(
        (
            "UnrecognizedClient",
            "InvalidClientTokenId",
            "ExpiredToken",
            "NoCredentials",
            "Unable to locate credentials",
            "SignatureDoesNotMatch",
        ),
        Diagnosis(
            "AWS does not accept Slipway's credentials.",
            "Have the platform team renew the credentials of the installation.",
        ),
    ),
    _Case(
        ("cannot be assumed",),
        Diagnosis(
            "A new role is not known everywhere in AWS yet.",
            "Nothing to do: this passes within a minute.",
        ),
    ),
    _Case(
        ("Throttl", "TooManyRequests", "Rate exceeded", "SlowDown"),
        Diagnosis(
            "AWS takes fewer calls a second than were sent.",
            "Nothing to do: the step is repeated by itself.",
        ),
    ),
    _Case(
        ("does not exist in S3", "ModelData", "s3://"),
        Diagnosis(
            "SageMaker could not read the model's weights.",
            "Check the S3 address and that the bucket lets the model's role read it, then retry.",
        ),
    ),
    _Case(
        ("foreign",),
        Diagnosis(
            "An object of this name exists that this deployment did not make; it is left alone.",
            "Have the platform team remove or rename it, then retry.",
        ),
    ),
    _Case(
        (
            "timeout",
            "timed out",
            "Connection",
            "EndpointConnectionError",
            "InternalServer",
            "InternalFailure",
            "InternalError",
            "ServiceUnavailable",
            "ServiceException",
        ),
        Diagnosis(
            "AWS gave no answer; whether it acted is found out by looking.",
            "Nothing to do: the step is repeated by itself, and builds nothing twice.",
        ),
    ),
    _Case(
        ("Validation", "InvalidParameter", "InvalidInput", "MalformedPolicy"),
        Diagnosis(
            "AWS refuses the request as it is.",
            "Read AWS's words above; launch another size or option, or report it to the platform "
            "team.",
        ),
    ),
)
_UNKNOWN = Diagnosis(
    "AWS refused, for a reason that is not in our list.",
    "Read AWS's words above; retry once, then ask the platform team.",
)


def diagnose(*, code: str, words: str) -> Diagnosis:
    """Return meaning and advice for AWS's error code and words."""
    said = f"{code} {words}".lower()
    for case in _CASES:
        if any(sign.lower() in said for sign in case.signs):
            return case.diagnosis
    return _UNKNOWN
