"""AWS credentials and signatures for who calls AWS without boto3's clients; knows no Django.

The gateway signs hundreds of requests a second. boto3 finds and refreshes the credentials, off the
path of requests; the signature is AWS's version 4, with the day's key kept, in a tenth of
botocore's time. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html;
tests hold it against botocore's own.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from posixpath import normpath
from urllib.parse import quote, urlsplit

import boto3

__all__ = ["Keychain", "Keys", "NoCredentials", "Signer", "chain"]

log = logging.getLogger(__name__)
# boto3 renews what ends within 15 minutes; asked this often, a request never waits for it.
_REFRESH_SECONDS = 60


class NoCredentials(Exception):
    """boto3's chain found no credentials for AWS."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials as they are now; `token` is empty for a user's own keys."""

    access_key: str
    secret_key: str
    token: str = ""


def chain() -> Callable[[], Keys]:
    """Return what reads boto3's chain: environment, profile, or the role of task or instance.

    Reading may wait for the network. Raises NoCredentials when the chain holds none.
    """
    found = boto3.Session().get_credentials()
    if found is None:
        raise NoCredentials("No AWS credentials: set a role, a profile or the environment.")

    def read() -> Keys:
        now = found.get_frozen_credentials()
        return Keys(now.access_key, now.secret_key, now.token or "")

    return read


class Keychain:
    """Credentials kept fresh off the path of requests; boto3's chain unless another is given."""

    def __init__(self, read: Callable[[], Keys] | None = None) -> None:
        self._read = read or chain()
        self._keys = self._read()

    def __call__(self) -> Keys:
        """Return the credentials last read; never waits."""
        return self._keys

    async def keep_fresh(self, *, every_s: float = _REFRESH_SECONDS) -> None:
        """Read them again and again in a thread of their own, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                self._keys = await asyncio.to_thread(self._read)
            # Each link of the chain fails in its own way; the last keys are good for a while.
            except Exception as failed:
                log.warning("AWS credentials were not renewed; the last stay: %s", failed)


class Signer:
    """Signs POST requests of one service in one Region. Safe to use from many tasks at once."""

    def __init__(self, *, service: str, region: str, keys: Callable[[], Keys]) -> None:
        self._service = service
        self._region = region
        self._keys = keys
        self._ahead = timedelta(0)
        self._day_key: tuple[str, str, bytes] = ("", "", b"")

    def sign(self, *, url: str, body: bytes, content_type: str, now: datetime) -> dict[str, str]:
        """Return the headers that make a POST to `url` ours; the URL has no query."""
        keys = self._keys()
        moment = (now + self._ahead).strftime("%Y%m%dT%H%M%SZ")
        where = urlsplit(url)
        headers = {"content-type": content_type, "host": where.netloc, "x-amz-date": moment}
        if keys.token:
            headers["x-amz-security-token"] = keys.token
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        # Every service but S3 leaves out `.` and `..`, and encodes the path once more than it is
        # on the wire.
        plain = normpath(where.path) if "/." in where.path else where.path or "/"
        path = quote(plain, safe="/~")
        request = f"POST\n{path}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        digest = sha256(request.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key(keys, moment[:8]), to_sign.encode(), "sha256").hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return headers

    def set_clock(self, date: str, *, now: datetime) -> None:
        """Sign by the clock of a response's Date header from now on: ours is wrong, said AWS."""
        try:
            self._ahead = parsedate_to_datetime(date) - now
        except (ValueError, TypeError):
            return
        log.warning("This machine's clock is off by %s; requests are signed by AWS's.", self._ahead)

    def _key(self, keys: Keys, day: str) -> bytes:
        kept_day, kept_secret, key = self._day_key
        if kept_day == day and kept_secret == keys.secret_key:
            return key
        key = f"AWS4{keys.secret_key}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._day_key = (day, keys.secret_key, key)
        return key
