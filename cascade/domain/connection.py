"""Where upstreams are reached from one process, read from the environment once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HOSTS = {"bedrock": "bedrock-runtime", "sagemaker": "runtime.sagemaker"}


@dataclass(frozen=True, slots=True)
class Connection:
    """AWS's Region and the servers beside it.

    `endpoint_url` replaces AWS's own addresses (the sandbox). `key_names` names, by a server's
    origin (`https://models.example:8000`), the environment variable that holds its API key: a key
    is sent to that origin only, and never stands in a policy.
    """

    region: str
    endpoint_url: str = ""
    connect_s: float = 3.0
    key_names: Mapping[str, str] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """Return the base URL of a service by its signing name."""
        return self.endpoint_url.rstrip("/") or (
            f"https://{_HOSTS[service]}.{self.region}.amazonaws.com"
        )


def connection(environ: Mapping[str, str]) -> Connection:
    """Return what the environment says.

    AWS_REGION and AWS_ENDPOINT_URL are boto3's own; CASCADE_KEYS pairs origins with names of
    variables: `https://one.example=ONE_KEY,http://10.0.0.7:8000=TWO_KEY`. Raises ValueError with a
    sentence when a pair is none.
    """
    names = {}
    for pair in environ.get("CASCADE_KEYS", "").split(","):
        address, has_name, name = pair.strip().rpartition("=")
        if has_name and origin(address) and name in environ:
            names[origin(address)] = name
        elif pair.strip():
            raise ValueError(
                f"CASCADE_KEYS holds {pair.strip()!r}: it must pair a server's origin with the "
                "name of an environment variable that is set."
            )
    return Connection(
        region=environ.get("AWS_REGION") or "us-east-1",
        endpoint_url=environ.get("AWS_ENDPOINT_URL", ""),
        key_names=names,
    )


def origin(url: str) -> str:
    """Return scheme, host and port of an http(s) URL; empty when it is none or names a user."""
    try:
        found = urlsplit(url)
        usual = {"http": 80, "https": 443}.get(found.scheme)
        port = found.port or usual
    except ValueError:
        return ""
    if usual is None or not found.hostname or set(found.netloc) & {"@", "\\"}:
        return ""
    return f"{found.scheme}://{found.hostname}:{port}"
