"""Service Quotas tells what the account may have; the price list tells the product's own prices."""

import json
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from sandbox.control import pricing
from tests.sandbox.conftest import Sandbox


def quotas(aws: Sandbox, service: str) -> dict[str, float]:
    pages = aws.client("service-quotas").get_paginator("list_service_quotas")
    found = pages.paginate(ServiceCode=service).build_full_result()["Quotas"]
    return {quota["QuotaName"]: quota["Value"] for quota in found}


def test_a_changed_quota_is_told_and_its_default_stays(aws: Sandbox) -> None:
    aws.put("quotas", sagemaker={"ml.g5.xlarge": 3})
    found = quotas(aws, "sagemaker")
    assert found["ml.g5.xlarge for endpoint usage"] == 3.0
    assert found["ml.p6-b200.48xlarge for endpoint usage"] == 0.0
    defaults = aws.client("service-quotas").get_paginator("list_aws_default_service_quotas")
    by_name = {
        quota["QuotaName"]: quota["Value"]
        for quota in defaults.paginate(ServiceCode="sagemaker").build_full_result()["Quotas"]
    }
    assert by_name["ml.g5.xlarge for endpoint usage"] == 16.0


def test_a_quota_is_found_by_its_code(aws: Sandbox) -> None:
    client = aws.client("service-quotas")
    listed = client.list_service_quotas(ServiceCode="bedrock", MaxResults=1)["Quotas"][0]
    found = client.get_service_quota(ServiceCode="bedrock", QuotaCode=listed["QuotaCode"])["Quota"]
    assert found == listed
    concurrency = client.get_service_quota(ServiceCode="lambda", QuotaCode="L-B99A9384")
    assert concurrency["Quota"]["Value"] == 1000.0


def test_an_unknown_service_or_quota_is_refused(aws: Sandbox) -> None:
    client = aws.client("service-quotas")
    for service, code in (("nothing", "L-00000000"), ("lambda", "L-00000000")):
        with pytest.raises(ClientError) as refusal:
            client.get_service_quota(ServiceCode=service, QuotaCode=code)
        assert refusal.value.response["Error"]["Code"] == "NoSuchResourceException"


def row(sku: str, usd: str, per: str) -> dict[str, str]:
    return {
        "region": "us-east-1",
        "sku": sku,
        "usd": usd,
        "per": per,
        "source": "a test",
        "as_of": "2026-11-20",
    }


@pytest.mark.parametrize(
    "given, service, unit, usd",
    [
        (
            row("bedrock:amazon.nova-pro-v1:0:us:input", "0.80", "1000000"),
            "AmazonBedrock",
            "1K tokens",
            "0.0008",
        ),
        (
            row("bedrock:anthropic.claude-haiku-5-5:global:output", "0.5", "1000000"),
            "AmazonBedrockFoundationModels",
            "1K tokens",
            "0.0005",
        ),
        (row("sagemaker:ml.g5.xlarge:second", "1.408", "3600"), "AmazonSageMaker", "Hrs", "1.408"),
        (row("lambda:requests", "0.20", "1000000"), "AWSLambda", "Requests", "0.0000002"),
        (
            row("lambda:arm64:gb-second", "0.0000133334", "1"),
            "AWSLambda",
            "Lambda-GB-Second",
            "0.0000133334",
        ),
    ],
)
def test_a_price_keeps_its_value_in_awss_unit(
    given: dict[str, str], service: str, unit: str, usd: str
) -> None:
    product = pricing.product(given)
    assert product is not None
    assert product["serviceCode"] == service
    (offer,) = product["terms"]["OnDemand"].values()
    (dimension,) = offer["priceDimensions"].values()
    assert dimension["unit"] == unit
    assert Decimal(dimension["pricePerUnit"]["USD"]) == Decimal(usd)


def test_no_row_of_the_price_file_is_left_out() -> None:
    files = sorted(pricing.DATA.glob("*.json"))
    rows = [row for file in files for row in json.loads(file.read_text())]
    priced = [price for price in rows if price["usd"] is not None]
    assert len(priced) > 100
    assert len(pricing.products()) == len(priced)


def test_every_row_of_the_price_file_is_offered_and_found_by_its_attributes(aws: Sandbox) -> None:
    expected = pricing.products()
    client = aws.client("pricing")
    for service in {product["serviceCode"] for product in expected}:
        pages = client.get_paginator("get_products").paginate(ServiceCode=service)
        offered = {json.loads(p)["product"]["sku"] for page in pages for p in page["PriceList"]}
        assert offered == {p["product"]["sku"] for p in expected if p["serviceCode"] == service}
        sample = next(p for p in expected if p["serviceCode"] == service)
        name, value = next(iter(sample["product"]["attributes"].items()))
        wish = [{"Type": "TERM_MATCH", "Field": name, "Value": value}]
        found = client.get_products(ServiceCode=service, Filters=wish)["PriceList"]
        assert all(json.loads(p)["product"]["attributes"][name] == value for p in found)
        assert found
        values = client.get_attribute_values(ServiceCode=service, AttributeName=name)
        assert value in {v["Value"] for v in values["AttributeValues"]}


def test_a_service_without_prices_is_refused(aws: Sandbox) -> None:
    with pytest.raises(ClientError) as refusal:
        aws.client("pricing").get_products(ServiceCode="AmazonNothing")
    assert refusal.value.response["Error"]["Code"] == "NotFoundException"
