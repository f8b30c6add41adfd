"""The Price List Query API, served from the product's dated price file in AWS's JSON shape."""

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.control import compute_prices
from sandbox.wire import AwsError, Call, Handler, page

DATA = Path(__file__).parents[2] / "billing" / "data" / "prices"
_MARKETPLACE = ("anthropic.", "ai21.", "cohere.", "openai.", "writer.", "xai.", "moonshotai.")
_LOCATIONS = {"us-east-1": "US East (N. Virginia)", "us-west-2": "US West (Oregon)"}
_TOKEN_KINDS = {
    "input": "Input tokens",
    "output": "Output tokens",
    "input-long": "Input tokens long context",
    "output-long": "Output tokens long context",
    "cache-read": "Prompt cache read input tokens",
    "cache-write": "Prompt cache write input tokens",
    "cache-read-long": "Prompt cache read input tokens long context",
    "cache-write-long": "Prompt cache write input tokens long context",
    "input-batch": "Input tokens batch",
    "output-batch": "Output tokens batch",
    "input-flex": "Input tokens flex",
    "output-flex": "Output tokens flex",
    "input-priority": "Input tokens priority",
    "output-priority": "Output tokens priority",
}
_TOKENS_PER = 1_000
_SECONDS_PER_HOUR = 3_600
_TERM, _RATE = "JRTCKXETXF", "6YS6EN2CT7"

Product = dict[str, Any]


def products() -> list[Product]:
    """Return one product for each row of the product's price files; none without a file."""
    found = []
    for path in sorted(DATA.glob("*.json")):
        found += [product(row) for row in _rows(json.loads(path.read_text(), parse_float=str))]
    return [p for p in found if p is not None]


def _rows(content: Any) -> list[dict[str, Any]]:
    lists = content.values() if isinstance(content, dict) else [content]
    rows = [row for part in lists if isinstance(part, list) for row in part]
    return [r for r in rows if isinstance(r, dict) and "sku" in r and r.get("usd") is not None]


def product(row: dict[str, Any]) -> Product | None:
    """Return a price row in the shape of AWS's price list; None for a SKU AWS does not sell."""
    described = _described(row["sku"].split(":"))
    if described is None:
        return None
    service, attributes, unit, quantity = described
    region = row.get("region", "us-east-1")
    usd = Decimal(str(row["usd"])) / Decimal(str(row.get("per", 1))) * quantity
    sku = hashlib.sha256(f"{region}/{row['sku']}".encode()).hexdigest()[:16].upper()
    offer, rate = f"{sku}.{_TERM}", f"{sku}.{_TERM}.{_RATE}"
    attributes |= {
        "servicecode": service,
        "regionCode": region,
        "location": _LOCATIONS.get(region, region),
        "locationType": "AWS Region",
    }
    dimension = {
        "unit": unit,
        "rateCode": rate,
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${usd.normalize():f} per {unit} ({row.get('source', 'price file')})",
        "appliesTo": [],
        "pricePerUnit": {"USD": f"{usd:.10f}"},
    }
    term = {
        "priceDimensions": {rate: dimension},
        "sku": sku,
        "effectiveDate": f"{row.get('as_of', '2026-11-01')}T00:00:00Z",
        "offerTermCode": _TERM,
        "termAttributes": {},
    }
    return {
        "product": {"productFamily": service, "attributes": attributes, "sku": sku},
        "serviceCode": service,
        "terms": {"OnDemand": {offer: term}},
        "version": str(row.get("as_of", "")),
        "publicationDate": f"{row.get('as_of', '2026-11-01')}T00:00:00Z",
    }


def _described(parts: list[str]) -> tuple[str, dict[str, str], str, int] | None:
    """Return service code, attributes, unit, and how many of our units that unit holds."""
    match parts:
        case ["bedrock", *model, route, direction] if direction in _TOKEN_KINDS:
            name = ":".join(model)
            service = (
                "AmazonBedrockFoundationModels"
                if name.startswith(_MARKETPLACE)
                else "AmazonBedrock"
            )
            kind = _TOKEN_KINDS[direction]
            attributes = {"model": name, "inferenceType": kind, "feature": route}
            return service, attributes, "1K tokens", _TOKENS_PER
        case ["bedrock-pt", *model, term, "unit-second"]:
            name = ":".join(model)
            attributes = {"model": name, "inferenceType": "Provisioned Throughput", "feature": term}
            return "AmazonBedrock", attributes, "Hrs", _SECONDS_PER_HOUR
        case ["sagemaker", instance_type, "second"]:
            attributes = {"instanceName": instance_type, "component": "Hosting"}
            return "AmazonSageMaker", attributes, "Hrs", _SECONDS_PER_HOUR
        case ["sagemaker-serverless", unit]:
            attributes = {"component": "ServerlessInf", "operation": unit}
            return "AmazonSageMaker", attributes, unit, 1
        case ["lambda", "requests"]:
            return "AWSLambda", {"group": "AWS-Lambda-Requests"}, "Requests", 1
        case ["lambda", architecture, "gb-second"]:
            group = "AWS-Lambda-Duration" + ("-ARM" if architecture == "arm64" else "")
            return "AWSLambda", {"group": group}, "Lambda-GB-Second", 1
    return compute_prices.described(parts)


def get_products(call: Call) -> dict[str, Any]:
    """Return the price-list entries of a service that fit every filter."""
    found = _of_service(call.parameters["ServiceCode"])
    for wish in call.parameters.get("Filters", []):
        found = [p for p in found if _fits(p, wish)]
    rows, more = page(found, call)
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(p) for p in rows], **more}


def _fits(product: Product, wish: dict[str, str]) -> bool:
    fields = {"ServiceCode": product["serviceCode"], "sku": product["product"]["sku"]}
    value = (fields | product["product"]["attributes"]).get(wish["Field"])
    wanted = wish["Value"]
    match wish["Type"]:
        case "TERM_MATCH" | "EQUALS":
            return value == wanted
        case "CONTAINS":
            return value is not None and wanted in value
        case "ANY_OF":
            return value in wanted.split(",")
        case _:
            return value not in wanted.split(",")


def _of_service(code: str) -> list[Product]:
    found = [p for p in products() if p["serviceCode"] == code]
    if not found:
        raise AwsError("NotFoundException", f"The service {code} has no prices here.")
    return found


def describe_services(call: Call) -> dict[str, Any]:
    """Return the services that have prices, with the attributes to filter by."""
    names: dict[str, set[str]] = {}
    for product in products():
        names.setdefault(product["serviceCode"], set()).update(product["product"]["attributes"])
    wanted = call.parameters.get("ServiceCode")
    if wanted and wanted not in names:
        raise AwsError("NotFoundException", f"The service {wanted} has no prices here.")
    services = [
        {"ServiceCode": code, "AttributeNames": sorted(found)}
        for code, found in sorted(names.items())
        if wanted in (None, code)
    ]
    rows, more = page(services, call)
    return {"FormatVersion": "aws_v1", "Services": rows, **more}


def get_attribute_values(call: Call) -> dict[str, Any]:
    """Return the values that an attribute has among a service's products."""
    name = call.parameters["AttributeName"]
    found = _of_service(call.parameters["ServiceCode"])
    values = {p["product"]["attributes"].get(name) for p in found} - {None}
    rows, more = page([{"Value": v} for v in sorted(values)], call)
    return {"AttributeValues": rows, **more}


OPERATIONS: dict[str, Handler] = {
    "GetProducts": get_products,
    "DescribeServices": describe_services,
    "GetAttributeValues": get_attribute_values,
}
