"""Our signatures are botocore's, whatever is signed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.signing import Keychain, Keys, Signer

HOST = "https://bedrock-runtime.us-east-1.amazonaws.com"
MOMENT = datetime(2026, 11, 21, 9, tzinfo=UTC)
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def botocores(*, url: str, body: bytes, service: str, keys: Keys, now: datetime) -> str:
    """Return the Authorization header that botocore makes at a moment."""
    auth = SigV4Auth(
        Credentials(keys.access_key, keys.secret_key, keys.token or None), service, "us-east-1"
    )
    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    auth._modify_request_before_signing(request)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(text, request))
    return str(request.headers["Authorization"])


@given(
    address=TEXT,
    body=st.binary(max_size=60),
    service=st.sampled_from(["bedrock", "sagemaker"]),
    secret=TEXT,
    token=st.just("") | TEXT,
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
@example(address=".", body=b"", service="bedrock", secret="0", token="", now=MOMENT)
@example(address="..", body=b"", service="bedrock", secret="0", token="", now=MOMENT)
@settings(max_examples=100)
def test_a_signature_is_the_one_that_botocore_makes(
    address: str, body: bytes, service: str, secret: str, token: str, now: datetime
) -> None:
    keys = Keys("AKIDEXAMPLE", secret, token)
    url = f"{HOST}/model/{quote(address, safe='')}/converse"
    signer = Signer(service=service, region="us-east-1", keys=lambda: keys)
    # Twice: the second uses the day's key that was kept.
    for _ in range(2):
        made = signer.sign(url=url, body=body, content_type="application/json", now=now)
        expected = botocores(url=url, body=body, service=service, keys=keys, now=now)
        assert made["authorization"] == expected


def test_renewed_keys_sign_from_the_next_request_on() -> None:
    held = [Keys("OLD", "one")]
    signer = Signer(service="bedrock", region="us-east-1", keys=lambda: held[0])
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    for keys in (Keys("OLD", "one"), Keys("NEW", "two", "token")):
        held[0] = keys
        made = signer.sign(url=HOST, body=b"", content_type="application/json", now=now)
        expected = botocores(url=HOST, body=b"", service="bedrock", keys=keys, now=now)
        assert made["authorization"] == expected
        assert made.get("x-amz-security-token", "") == keys.token


def test_a_clock_that_is_wrong_is_put_right_by_awss() -> None:
    signer = Signer(service="bedrock", region="us-east-1", keys=lambda: Keys("A", "b"))
    wrong = datetime(2026, 11, 21, 9, tzinfo=UTC)
    signer.set_clock("no date", now=wrong)
    signer.set_clock("Sat, 21 Nov 2026 10:30:00 GMT", now=wrong)
    later = wrong + timedelta(minutes=1)
    made = signer.sign(url=HOST, body=b"", content_type="text/plain", now=later)
    assert made["x-amz-date"] == "20261121T103100Z"


def test_keys_are_renewed_behind_the_requests_and_outlive_a_failure() -> None:
    reads = 0

    def read() -> Keys:
        nonlocal reads
        reads += 1
        if reads == 2:
            raise RuntimeError("no role today")
        return Keys(f"key-{reads}", "secret")

    async def run() -> None:
        keychain = Keychain(read)
        assert keychain().access_key == "key-1"
        fresh = asyncio.create_task(keychain.keep_fresh(every_s=0.001))
        while reads < 4:
            assert keychain().access_key != "key-2"
            await asyncio.sleep(0.001)
        fresh.cancel()
        assert keychain().access_key >= "key-3"

    asyncio.run(asyncio.wait_for(run(), 10))
