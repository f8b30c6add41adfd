"""SKUs of Bedrock beside plain tokens: reserved, fine-tunes, imports, Marketplace. Pure."""

from __future__ import annotations

RESERVED_TERMS = {"one-month": "one month", "three-months": "three months"}
DIRECTIONS = ("input", "output")
WORDS = {
    "ktpm-month": "thousand tokens a minute held for a month",
    "copy-minute": "copy-minutes",
}


def reserved(*, model: str, route: str, term: str, direction: str) -> str:
    """Return the SKU of a thousand tokens a minute of the reserved tier, held for a month."""
    return f"bedrock-reserved:{model}:{route}:{term}:{direction}"


def custom_tokens(*, model: str, direction: str) -> str:
    """Return the SKU of the tokens of a fine-tune on demand; `model` is its base."""
    return f"bedrock-custom:{model}:{direction}"


def import_copy() -> str:
    """Return the SKU of one running copy of an imported model, by the minute."""
    return "bedrock-import:copy-minute"


def marketplace_software(*, model: str) -> str:
    """Return the SKU of a Marketplace model's software on one instance, by the second."""
    return f"bedrock-marketplace:{model}:software-second"


def described(sku: str) -> tuple[str, int, str] | None:
    """Return a SKU's unit, how many of it one price is for, and its words; None if not ours."""
    family, *parts = sku.split(":")
    match family, parts:
        case "bedrock-reserved", [*model, route, term, way]:
            if model and route and term in RESERVED_TERMS and way in DIRECTIONS:
                name = ":".join(model)
                words = f"{name} reserved {way} tokens ({route}, {RESERVED_TERMS[term]})"
                return "ktpm-month", 1, words
        case "bedrock-custom", [*model, way] if model and way in DIRECTIONS:
            return "token", 1_000_000, f"{':'.join(model)} fine-tune {way} tokens"
        case "bedrock-import", ["copy-minute"]:
            return "copy-minute", 1, "Imported model, one running copy"
        case "bedrock-marketplace", [*model, "software-second"] if model:
            return "second", 3600, f"{':'.join(model)} Marketplace software"
    return None
