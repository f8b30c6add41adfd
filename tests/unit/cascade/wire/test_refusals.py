"""What a refusal means is read from its code, its status and its own words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cascade.domain.connection import Connection, connection, origin
from cascade.domain.invoker import Trouble
from cascade.domain.wire import refusals

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "code", "trouble"),
    [
        (429, "ThrottlingException", Trouble.THROTTLED),
        (400, "ThrottlingException", Trouble.THROTTLED),
        (429, "ModelNotReadyException", Trouble.OVERLOADED),
        (503, "ServiceUnavailableException:http://internal.amazon.com/", Trouble.OVERLOADED),
        (500, "InternalServerException", Trouble.OVERLOADED),
        (424, "ModelErrorException", Trouble.OVERLOADED),
        (408, "ModelTimeoutException", Trouble.TIMED_OUT),
        (400, "ValidationException", Trouble.REFUSED),
        (403, "AccessDeniedException", Trouble.REFUSED),
        (403, "ExpiredTokenException", Trouble.OVERLOADED),
        (404, "com.amazon#ResourceNotFoundException", Trouble.REFUSED),
    ],
)
def test_aws_says_by_its_code_what_may_be_tried_again(
    status: int, code: str, trouble: Trouble
) -> None:
    failed = refusals.of_aws(
        status=status, headers={"x-amzn-ErrorType": code}, body=b'{"message": "Why."}', now=NOW
    )
    assert (failed.trouble, failed.words, failed.status) == (trouble, "Why.", status)


@pytest.mark.parametrize(
    ("container", "trouble"),
    [
        (400, Trouble.REFUSED),
        (429, Trouble.THROTTLED),
        (500, Trouble.OVERLOADED),
        (0, Trouble.TIMED_OUT),
    ],
)
def test_an_endpoints_container_speaks_through_sagemakers_refusal(
    container: int, trouble: Trouble
) -> None:
    body = json.dumps({"Message": "Received error", "OriginalStatusCode": container}).encode()
    headers = {"x-amzn-ErrorType": "ModelError"}
    failed = refusals.of_aws(status=424, headers=headers, body=body, now=NOW)
    assert failed.trouble is trouble


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"\xff"])
def test_a_refusal_without_words_has_words(body: bytes) -> None:
    for read in (refusals.of_aws, refusals.of_openai):
        failed = read(status=502, headers={}, body=body, now=NOW)
        assert failed.trouble is Trouble.OVERLOADED
        assert "502" in failed.words


@pytest.mark.parametrize(
    "body",
    [{"error": {"message": "Why."}}, {"error": "Why."}, {"message": "Why."}, {"detail": "Why."}],
)
def test_servers_say_why_in_several_forms(body: object) -> None:
    said = json.dumps(body).encode()
    assert refusals.of_openai(status=400, headers={}, body=said, now=NOW).words == "Why."


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("99999999", refusals.LONGEST_WAIT_S),
        ("Sat, 21 Nov 2026 09:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 08:00:30 GMT", 0.0),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_when_to_come_back_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert refusals.retry_after_s({"Retry-After": value}, now=NOW) == seconds


def test_only_a_signatures_time_blames_the_clock() -> None:
    assert refusals.blames_clock("InvalidSignatureException", "Signature expired: 2026 is now")
    assert not refusals.blames_clock("InvalidSignatureException", "The signature does not match")
    assert not refusals.blames_clock("ExpiredTokenException", "The security token is expired")


def test_the_environment_says_where_aws_is_and_which_key_goes_where() -> None:
    found = connection(
        {
            "AWS_REGION": "eu-west-1",
            "CASCADE_KEYS": "https://models.example/v1=ONE_KEY, http://10.0.0.7:8000=TWO_KEY",
            "ONE_KEY": "x",
            "TWO_KEY": "y",
        }
    )
    assert found.url("bedrock") == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert found.url("sagemaker") == "https://runtime.sagemaker.eu-west-1.amazonaws.com"
    assert found.key_names == {
        "https://models.example:443": "ONE_KEY",
        "http://10.0.0.7:8000": "TWO_KEY",
    }


def test_a_key_that_is_not_set_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="CASCADE_KEYS"):
        connection({"CASCADE_KEYS": "https://models.example=MISSING"})


def test_the_sandbox_stands_for_every_service() -> None:
    found = Connection(region="us-east-1", endpoint_url="http://127.0.0.1:5000/")
    assert found.url("bedrock") == found.url("sagemaker") == "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Models.Example/v1/", "https://models.example:443"),
        ("http://10.0.0.7:8000", "http://10.0.0.7:8000"),
        ("https://models.example:443@evil.example/v1", ""),
        ("https://evil.example\\@models.example", ""),
        ("http://[", ""),
        ("ftp://models.example", ""),
        ("models.example", ""),
        ("http://models.example:99999", ""),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: str) -> None:
    assert origin(url) == expected
