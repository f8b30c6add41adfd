"""What a name may be."""

from __future__ import annotations

import re

SLUG = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
LONGEST_SLUG = 28  # deployment and resource names are made of it and AWS stops at 63
LONGEST_NAME = 100


def complaints(*, slug: str, name: str) -> dict[str, str]:
    """Return a sentence for each of the two that cannot be."""
    fields = {}
    if not SLUG.match(slug) or len(slug) > LONGEST_SLUG:
        fields["slug"] = (
            f"The short name has up to {LONGEST_SLUG} small letters, digits and single hyphens, "
            "begins with a letter and does not end with a hyphen, such as chatbot-responses."
        )
    if not name.strip():
        fields["name"] = "The name is empty; say what people call it."
    elif len(name) > LONGEST_NAME:
        fields["name"] = f"The name has {len(name)} characters; {LONGEST_NAME} fit."
    elif any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        fields["name"] = "The name holds control characters; use letters people can read."
    return fields
