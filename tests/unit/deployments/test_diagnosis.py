"""AWS's words get a meaning and an advice."""

from __future__ import annotations

import pytest

from deployments.domain.diagnosis import diagnose

SAID = [
    ("", "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity "
     "error.", "no free instance"),
    ("", "CapacityError: Unable to provision requested ML compute capacity. Please retry using a "
     "different ML instance type.", "no free instance"),
    ("", "The primary container for production variant main did not pass the ping health check. "
     "Please check CloudWatch logs for this endpoint.", "did not say it was healthy"),
    ("ResourceLimitExceeded", "The account-level service limit 'ml.g5.xlarge for endpoint usage' "
     "is 0 Instances", "quota"),
    ("ServiceQuotaExceededException", "The account-level quota of 0 model units", "quota"),
    ("InvalidParameterValueException", "decreases account's UnreservedConcurrentExecution below "
     "its minimum value of [100].", "100 concurrent executions"),
    ("ValidationException", "A Provisioned Throughput with a commitment cannot be deleted before "
     "its term ends", "until then"),
    ("AccessDeniedException", "User is not authorized to perform: iam:CreateRole", "role"),
    ("ThrottlingException", "Rate exceeded", "fewer calls"),
    ("ReadTimeoutError", "Read timeout on endpoint URL", "no answer"),
    ("foreign", "slipway-x is not of this deployment.", "did not make"),
]  # fmt: skip


@pytest.mark.parametrize("code, words, meaning", SAID)
def test_known_refusals_are_explained(code: str, words: str, meaning: str) -> None:
    found = diagnose(code=code, words=words)
    assert meaning in found.meaning
    assert found.advice.endswith(".")


def test_an_unknown_refusal_still_says_what_to_do() -> None:
    found = diagnose(code="Brand", words="New")
    assert found.meaning
    assert found.advice
