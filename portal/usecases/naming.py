"""What names and other short texts may be."""

from __future__ import annotations

import re

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_SLUG = 28  # deployment and resource names are made of it and AWS stops at 63
WHAT_A_SLUG_IS = (
    f"The short name has up to {LONGEST_SLUG} small letters, digits and single hyphens, "
    "begins with a letter and does not end with a hyphen, such as chatbot-responses."
)
LONGEST_NAME = 100
LONGEST_COST_CENTRE = 40
LONGEST_DESCRIPTION = 2000
# Line breaks and tabs are fine in a description; everything else unprintable is not.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def complaints(*, slug: str, name: str) -> dict[str, str]:
    """Return a sentence for each of the two that cannot be."""
    fields = {}
    if not SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
        fields["slug"] = WHAT_A_SLUG_IS
    return fields | name_complaints(name)


def name_complaints(name: str) -> dict[str, str]:
    """Return a sentence about a name that is empty, too long or cannot be read."""
    if not name.strip():
        return {"name": "The name is empty; say what people call it."}
    if not name.isprintable():
        return {"name": "The name holds control characters; use letters people can read."}
    return text_complaints("name", name, longest=LONGEST_NAME)


def text_complaints(field: str, text: str, *, longest: int) -> dict[str, str]:
    """Return a sentence about a text that is too long or cannot be read."""
    label = field.replace("_", " ")
    if len(text) > longest:
        return {field: f"The {label} has {len(text):,} characters; {longest:,} fit."}
    if UNPRINTABLE.search(text):
        return {field: f"The {label} holds control characters; use letters people can read."}
    return {}
