"""How AWS's errors become ours: absent, already there, not now, or never like this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployments.domain.target import Permanent, Transient
from portal.aws import BotoCoreError, ClientError, error_code, error_words

# AWS's codes of a call that may be repeated as it is (botocore's retry tables, service models).
_LATER = frozenset(
    {
        "ConcurrentModification",
        "ConcurrentModificationException",
        "ConcurrentUpdateException",
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceException",
        "OperationAbortedException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceException",
        "ServiceFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
# Refusals of a state that passes, told apart by AWS's words only.
_PASSING_WORDS = (
    "cannot be assumed",
    "currently in the following state: pending",
    "in-progress",
    "in progress",
    "is still being created",
    "please try again",
    "could not assume role",
)
_ABSENT_CODES = frozenset(
    {"NoSuchEntity", "ObjectNotFoundException", "ResourceNotFound", "ResourceNotFoundException"}
)
_EXISTS_CODES = frozenset(
    {"EntityAlreadyExists", "ResourceAlreadyExistsException", "ResourceInUse"}
)


def ask(call: Callable[..., Any], /, **parameters: Any) -> Any:
    """Call AWS. Raises Transient or Permanent with AWS's code and words."""
    try:
        return call(**parameters)
    except ClientError as error:
        raise _refused(error) from error
    except BotoCoreError as error:
        raise _unanswered(error) from error


def find(call: Callable[..., Any], /, **parameters: Any) -> Any | None:
    """Call AWS for one object; None when AWS says that there is none. Raises as `ask` does."""
    try:
        return call(**parameters)
    except ClientError as error:
        if is_absent(error):
            return None
        raise _refused(error) from error
    except BotoCoreError as error:
        raise _unanswered(error) from error


def make(call: Callable[..., Any], /, **parameters: Any) -> Any | None:
    """Call AWS to make an object; one that exists already is None. Raises as `ask` does."""
    try:
        return call(**parameters)
    except ClientError as error:
        if _exists(error):
            return None
        raise _refused(error) from error
    except BotoCoreError as error:
        raise _unanswered(error) from error


def _unanswered(error: BotoCoreError) -> Transient | Permanent:
    """Return what it means that a call never got an answer, or was never sent."""
    code = type(error).__name__
    is_malformed = code == "ParamValidationError"
    return Permanent(str(error), code=code) if is_malformed else Transient(str(error), code=code)


def is_absent(error: ClientError) -> bool:
    """Say whether AWS looked and found nothing (SageMaker says so in a ValidationException)."""
    words = error_words(error).lower()
    if error_code(error) == "ValidationException":
        return words.startswith(("could not find", "requested resource not found"))
    return error_code(error) in _ABSENT_CODES


def _exists(error: ClientError) -> bool:
    code, words = error_code(error), error_words(error).lower()
    says_so = "already exist" in words or "exists for this lambda function" in words
    return code in _EXISTS_CODES or (
        says_so
        and code in {"ConflictException", "ResourceConflictException", "ValidationException"}
    )


def _refused(error: ClientError) -> Transient | Permanent:
    code, words = error_code(error), error_words(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    passes = any(sign in words.lower() for sign in _PASSING_WORDS)
    if code in _LATER or status >= 500 or passes:
        return Transient(words, code=code)
    return Permanent(words, code=code)
