"""How to call a running deployment, as text to paste: curl and Python, with one's own AWS keys.

No snippet holds a secret: outside the sandbox the keys come from the caller's environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from deployments.domain.options import Tier

Resources = Mapping[str, tuple[str, Mapping[str, Any]]]  # key -> (name in AWS, outputs)

PROMPT = "Say hello in one sentence."
MOST_TOKENS = 100
# Nothing is checked in the sandbox, but a request must be signed with something.
SANDBOX_KEYS = ("sandbox", "sandbox")


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls go: a Region, and the sandbox's URL (empty: AWS itself)."""

    region: str
    endpoint_url: str = ""

    @property
    def is_sandbox(self) -> bool:
        """Say whether calls go to the sandbox."""
        return bool(self.endpoint_url)


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text to paste: a label for the tab, and the code."""

    label: str
    code: str


def snippets(*, tier: Tier, found: Resources, place: Place) -> tuple[Snippet, ...]:
    """Return curl and Python for a generation's resources; empty while AWS has told no address."""
    key, output = _ADDRESSES[tier]
    name, outputs = found.get(key, ("", {}))
    address = name if output == "name" else str(outputs.get(output, ""))
    if not address or not outputs:
        return ()
    curl, python = _WRITERS[tier]
    return (Snippet("curl", curl(address, place)), Snippet("Python", python(address, place)))


# What callers name: the resource and its output; "name" is its name in AWS.
_ADDRESSES: Mapping[Tier, tuple[str, str]] = {
    Tier.BEDROCK_ON_DEMAND: ("profile", "arn"),
    Tier.BEDROCK_PROVISIONED: ("throughput", "arn"),
    Tier.LAMBDA_BEDROCK: ("url", "url"),
    Tier.SAGEMAKER_REAL_TIME: ("endpoint", "name"),
    Tier.SAGEMAKER_SERVERLESS: ("endpoint", "name"),
}


def _curl_function(url: str, place: Place) -> str:
    body = f'{{"prompt": "{PROMPT}", "max_tokens": {MOST_TOKENS}}}'
    return _curl(url, body=body, service="lambda", place=place)


def _curl_converse(arn: str, place: Place) -> str:
    base = place.endpoint_url or f"https://bedrock-runtime.{place.region}.amazonaws.com"
    body = (
        f'{{"messages": [{{"role": "user", "content": [{{"text": "{PROMPT}"}}]}}],'
        f' "inferenceConfig": {{"maxTokens": {MOST_TOKENS}}}}}'
    )
    url = f"{base.rstrip('/')}/model/{quote(arn, safe='')}/converse"
    # github.com/curl/curl issue 18423: the canonical path was not encoded a second time.
    caution = "" if place.is_sandbox else (
        "# Curl older than the fix of its issue 18423 signs such an address wrongly:\n"
        "# when AWS answers SignatureDoesNotMatch, update curl or take the Python.\n"
    )  # fmt: skip
    return caution + _curl(url, body=body, service="bedrock", place=place)


def _curl_endpoint(name: str, place: Place) -> str:
    base = place.endpoint_url or f"https://runtime.sagemaker.{place.region}.amazonaws.com"
    body = (
        f'{{"messages": [{{"role": "user", "content": "{PROMPT}"}}], "max_tokens": {MOST_TOKENS}}}'
    )
    url = f"{base.rstrip('/')}/endpoints/{name}/invocations"
    return _curl(url, body=body, service="sagemaker", place=place)


def _curl(url: str, *, body: str, service: str, place: Place) -> str:
    lines = [
        f"curl --silent --show-error --fail-with-body '{url}'",
        f"--aws-sigv4 'aws:amz:{place.region}:{service}'",
    ]
    if place.is_sandbox:
        lines.append(f"--user '{':'.join(SANDBOX_KEYS)}'")
    else:
        lines.append('--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"')
        lines.append('${AWS_SESSION_TOKEN:+--header "x-amz-security-token: $AWS_SESSION_TOKEN"}')
    lines += ["--header 'Content-Type: application/json'", f"--data '{body}'"]
    return " \\\n  ".join(lines) + "\n"


def _python_function(url: str, place: Place) -> str:
    session = "boto3.Session("
    if place.is_sandbox:
        key, secret = SANDBOX_KEYS
        session += f'aws_access_key_id="{key}", aws_secret_access_key="{secret}"'
    return f"""import json
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

url = "{url}"
body = json.dumps({{"prompt": "{PROMPT}", "max_tokens": {MOST_TOKENS}}})
signed = AWSRequest("POST", url, {{"Content-Type": "application/json"}}, body)
keys = {session}).get_credentials()
SigV4Auth(keys, "lambda", "{place.region}").add_auth(signed)
request = urllib.request.Request(url, body.encode(), dict(signed.headers), method="POST")
with urllib.request.urlopen(request, timeout=300) as reply:
    print(json.load(reply)["text"])
"""


def _python_converse(arn: str, place: Place) -> str:
    return f"""import boto3

bedrock = {_client("bedrock-runtime", place)}
reply = bedrock.converse(
    modelId="{arn}",
    messages=[{{"role": "user", "content": [{{"text": "{PROMPT}"}}]}}],
    inferenceConfig={{"maxTokens": {MOST_TOKENS}}},
)
print(reply["output"]["message"]["content"][0]["text"])
"""


def _python_endpoint(name: str, place: Place) -> str:
    return f"""import json

import boto3

sagemaker = {_client("sagemaker-runtime", place)}
body = {{
    "messages": [{{"role": "user", "content": "{PROMPT}"}}],
    "max_tokens": {MOST_TOKENS},
}}
reply = sagemaker.invoke_endpoint(
    EndpointName="{name}",
    ContentType="application/json",
    Body=json.dumps(body),
)
print(json.load(reply["Body"])["choices"][0]["message"]["content"])
"""


def _client(service: str, place: Place) -> str:
    if not place.is_sandbox:
        return f'boto3.client("{service}", region_name="{place.region}")'
    key, secret = SANDBOX_KEYS
    return (
        "boto3.client(\n"
        f'    "{service}",\n'
        f'    region_name="{place.region}",\n'
        f'    endpoint_url="{place.endpoint_url}",\n'
        f'    aws_access_key_id="{key}",\n'
        f'    aws_secret_access_key="{secret}",\n'
        ")"
    )


_Writer = Callable[[str, Place], str]
_WRITERS: Mapping[Tier, tuple[_Writer, _Writer]] = {
    Tier.BEDROCK_ON_DEMAND: (_curl_converse, _python_converse),
    Tier.BEDROCK_PROVISIONED: (_curl_converse, _python_converse),
    Tier.LAMBDA_BEDROCK: (_curl_function, _python_function),
    Tier.SAGEMAKER_REAL_TIME: (_curl_endpoint, _python_endpoint),
    Tier.SAGEMAKER_SERVERLESS: (_curl_endpoint, _python_endpoint),
}
