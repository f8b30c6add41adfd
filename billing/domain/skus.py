"""Names of what is paid for, the units they are counted in, and words for people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.domain import bedrock_skus, compute_skus

TOKEN_DIRECTIONS = {
    "input": "input tokens",
    "output": "output tokens",
    "input-long": "input tokens of long prompts",
    "output-long": "output tokens of long prompts",
    "cache-read": "tokens read from the prompt cache",
    "cache-write": "tokens written to the prompt cache",
    "cache-read-long": "tokens of long prompts read from the prompt cache",
    "cache-write-long": "tokens of long prompts written to the prompt cache",
    "input-batch": "input tokens of batch jobs",
    "output-batch": "output tokens of batch jobs",
    "input-flex": "input tokens of the flex tier",
    "output-flex": "output tokens of the flex tier",
    "input-priority": "input tokens of the priority tier",
    "output-priority": "output tokens of the priority tier",
}
ROUTES = {"us": "US profile", "global": "global profile", "in-region": "in Region"}
TERMS = {"none": "no commitment", "one-month": "one month", "six-months": "six months"}
ARCHITECTURES = ("arm64", "x86_64")


class UnknownSku(ValueError):
    """The text is not the name of anything the books know how to count."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a SKU is counted in, and how many of them one price is for."""

    name: str
    per: Decimal

    @property
    def words(self) -> str:
        """Return what people call many of it."""
        return WORDS[self.name]


TOKENS = Unit("token", Decimal(1_000_000))
SECONDS = Unit("second", Decimal(3600))
GB_SECONDS = Unit("gb-second", Decimal(1))
REQUESTS = Unit("request", Decimal(1_000_000))
GB = Unit("gb", Decimal(1))

# How people count each unit.
WORDS = {
    "token": "tokens",
    "second": "seconds",
    "gb-second": "GB-seconds",
    "request": "requests",
    "gb": "GB",
    **bedrock_skus.WORDS,
}


def bedrock_tokens(*, model: str, route: str, direction: str) -> str:
    """Return the SKU of a model's tokens.

    `route` is "us", "global" or "in-region"; `direction` one of TOKEN_DIRECTIONS.
    """
    return f"bedrock:{model}:{route}:{direction}"


def provisioned_unit(*, model: str, term: str) -> str:
    """Return the SKU of one Provisioned Throughput model unit, by the second."""
    return f"bedrock-pt:{model}:{term}:unit-second"


def instance(*, instance_type: str) -> str:
    """Return the SKU of one SageMaker hosting instance, by the second."""
    return f"sagemaker:{instance_type}:second"


def serverless_memory() -> str:
    """Return the SKU of SageMaker serverless compute, by the GB-second."""
    return "sagemaker-serverless:gb-second"


def serverless_data() -> str:
    """Return the SKU of data in and out of SageMaker serverless, by the GB."""
    return "sagemaker-serverless:gb"


def lambda_memory(*, architecture: str) -> str:
    """Return the SKU of Lambda duration, by the GB-second; "arm64" or "x86_64"."""
    return f"lambda:{architecture}:gb-second"


def lambda_requests() -> str:
    """Return the SKU of Lambda invocations."""
    return "lambda:requests"


def unit_of(sku: str) -> Unit:
    """Return what a SKU is counted in. Raises UnknownSku."""
    return _read(sku)[0]


def label_of(sku: str) -> str:
    """Return a SKU in words, as in "nova-lite input tokens (US profile)". Raises UnknownSku."""
    return _read(sku)[1]


def words_of(unit: str) -> str:
    """Return what people call many of a unit; the unit's own name when it is none of ours."""
    return WORDS.get(unit, unit)


def _read(sku: str) -> tuple[Unit, str]:
    family, _, rest = sku.partition(":")
    match family:
        case "bedrock":
            return _bedrock(sku, rest)
        case "bedrock-pt":
            return _provisioned(sku, rest)
        case "sagemaker":
            name, _, unit = rest.rpartition(":")
            if unit == "second" and name.startswith("ml."):
                return SECONDS, f"{name} instance"
        case "sagemaker-serverless":
            return _serverless(sku, rest)
        case "lambda":
            return _lambda(sku, rest)
        case _:
            return _described(sku, compute_skus.described(sku) or bedrock_skus.described(sku))
    raise _unknown(sku)


def _described(sku: str, found: tuple[str, int, str] | None) -> tuple[Unit, str]:
    if found is None:
        raise _unknown(sku)
    name, per, label = found
    return Unit(name, Decimal(per)), label


def _bedrock(sku: str, rest: str) -> tuple[Unit, str]:
    start, _, direction = rest.rpartition(":")
    model, _, route = start.rpartition(":")
    if not model or route not in ROUTES or direction not in TOKEN_DIRECTIONS:
        raise _unknown(sku)
    return TOKENS, f"{model} {TOKEN_DIRECTIONS[direction]} ({ROUTES[route]})"


def _provisioned(sku: str, rest: str) -> tuple[Unit, str]:
    start, _, unit = rest.rpartition(":")
    model, _, term = start.rpartition(":")
    if not model or term not in TERMS or unit != "unit-second":
        raise _unknown(sku)
    return SECONDS, f"{model} model unit ({TERMS[term]})"


def _serverless(sku: str, rest: str) -> tuple[Unit, str]:
    match rest:
        case "gb-second":
            return GB_SECONDS, "SageMaker serverless memory"
        case "gb":
            return GB, "SageMaker serverless data"
    raise _unknown(sku)


def _lambda(sku: str, rest: str) -> tuple[Unit, str]:
    if rest == "requests":
        return REQUESTS, "Lambda requests"
    architecture, _, unit = rest.partition(":")
    if architecture in ARCHITECTURES and unit == "gb-second":
        return GB_SECONDS, f"Lambda memory ({architecture})"
    raise _unknown(sku)


def _unknown(sku: str) -> UnknownSku:
    return UnknownSku(
        f"{sku[:160]!r} is not a SKU of these books; one looks like "
        f"bedrock:amazon.nova-lite-v1:0:us:input or sagemaker:ml.g5.xlarge:second."
    )
