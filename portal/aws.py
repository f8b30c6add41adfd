"""The AWS seam: the only module that imports boto3 and botocore."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

__all__ = ["BotoCoreError", "ClientError", "client", "error_code", "error_words", "is_sandbox"]

# NAT gateways cut idle connections at 350 s, hence keep-alive (AWS, troubleshooting API errors).
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=65,
    retries={"mode": "standard", "max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=32,
    user_agent_extra="slipway",
)


@cache
def client(service: str) -> Any:
    """Return the shared client for one AWS service, in the configured Region and endpoint."""
    return boto3.client(
        service,
        region_name=settings.AWS_REGION,
        endpoint_url=settings.AWS_ENDPOINT_URL,
        config=_CONFIG,
    )


def is_sandbox() -> bool:
    """Say whether calls go to the sandbox instead of AWS."""
    return settings.AWS_ENDPOINT_URL is not None


def error_code(error: ClientError) -> str:
    """Return AWS's own error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_words(error: ClientError) -> str:
    """Return AWS's own words."""
    return str(error.response.get("Error", {}).get("Message", "") or error)
