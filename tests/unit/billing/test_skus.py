"""SKUs say what they are counted in, and are refused when they are none."""

from decimal import Decimal

import pytest

from billing.domain import skus

MODEL = "amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("sku", "name", "unit", "per", "label"),
    [
        (
            skus.bedrock_tokens(model=MODEL, route="us", direction="input"),
            "bedrock:amazon.nova-lite-v1:0:us:input",
            "token",
            1_000_000,
            "amazon.nova-lite-v1:0 input tokens (US profile)",
        ),
        (
            skus.provisioned_unit(model=MODEL, term="one-month"),
            "bedrock-pt:amazon.nova-lite-v1:0:one-month:unit-second",
            "second",
            3600,
            "amazon.nova-lite-v1:0 model unit (one month)",
        ),
        (
            skus.instance(instance_type="ml.g5.xlarge"),
            "sagemaker:ml.g5.xlarge:second",
            "second",
            3600,
            "ml.g5.xlarge instance",
        ),
        (
            skus.serverless_memory(),
            "sagemaker-serverless:gb-second",
            "gb-second",
            1,
            "SageMaker serverless memory",
        ),
        (skus.serverless_data(), "sagemaker-serverless:gb", "gb", 1, "SageMaker serverless data"),
        (
            skus.lambda_memory(architecture="arm64"),
            "lambda:arm64:gb-second",
            "gb-second",
            1,
            "Lambda memory (arm64)",
        ),
        (skus.lambda_requests(), "lambda:requests", "request", 1_000_000, "Lambda requests"),
    ],
)
def test_every_sku_knows_its_unit_and_its_words(
    sku: str, name: str, unit: str, per: int, label: str
) -> None:
    assert sku == name
    assert skus.unit_of(sku) == skus.Unit(unit, Decimal(per))
    assert skus.label_of(sku) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bedrock",
        "bedrock:us:input",
        "bedrock:m:eu-mars:input",
        "bedrock:m:us:sideways",
        "bedrock-pt:m:forever:unit-second",
        "bedrock-pt:m:none:second",
        "sagemaker:t3.micro:second",
        "sagemaker:ml.g5.xlarge:hour",
        "sagemaker-serverless:second",
        "lambda:mips:gb-second",
        "lambda:arm64:second",
        "=cmd|' /C calc'!A0",
    ],
)
def test_what_is_no_sku_is_refused_with_an_example_of_one(text: str) -> None:
    with pytest.raises(skus.UnknownSku, match="one looks like"):
        skus.unit_of(text)
