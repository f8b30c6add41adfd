"""Names and tags of one generation's resources: deterministic, and within AWS's limits. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

# The shortest limit of all kinds we make: SageMaker's names (botocore, 63 characters).
LONGEST = 63
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_SLUG = 40
# What every AWS service takes in a tag's value.
_NOT_IN_TAGS = re.compile(r"[^\w\s.:/=+\-@]", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Names:
    """Whose resources they are; every name and tag follows from this."""

    slug: str
    generation: int
    team: str
    feature: str
    environment: str
    cost_centre: str
    region: str

    def of(self, key: str) -> str:
        """Return the AWS name of a resource, at most 63 characters, the same every time."""
        name = f"slipway-{self.slug}-g{self.generation}-{key}"
        if len(name) <= LONGEST:
            return name
        digest = sha256(self.slug.encode()).hexdigest()[:8]
        room = len(self.slug) - (len(name) - LONGEST) - len(digest) - 1
        return f"slipway-{self.slug[:room].rstrip('-')}-{digest}-g{self.generation}-{key}"

    @property
    def tags(self) -> Mapping[str, str]:
        """Return the tags of everything that takes tags."""
        tags = {
            "slipway:team": self.team,
            "slipway:feature": self.feature,
            "slipway:deployment": self.slug,
            "slipway:generation": str(self.generation),
            "slipway:environment": self.environment,
        }
        if self.cost_centre:
            tags["slipway:cost-centre"] = self.cost_centre
        return {key: _NOT_IN_TAGS.sub("_", value)[:256] for key, value in tags.items()}


def default_slug(*, feature: str, environment: str, taken: frozenset[str] = frozenset()) -> str:
    """Return `<feature>-<environment>`, shortened to fit, with a number when it is taken."""
    number = 1
    while True:
        ending = f"-{environment}" if number == 1 else f"-{environment}-{number}"
        clean = "-".join(re.findall(r"[a-z0-9]+", feature.lower())) or "feature"
        clean = clean if clean[0].isalpha() else f"f{clean}"
        slug = clean[: LONGEST_SLUG - len(ending)].rstrip("-") + ending
        if slug not in taken:
            return slug
        number += 1
