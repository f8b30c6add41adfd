"""An option of a recommendation as a portfolio sees it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from deployments.domain.options import LAUNCHABLE
from deployments.domain.portfolio.asking import Candidate
from deployments.domain.portfolio.framing import MODEL_UNITS
from deployments.domain.ranking import SOFT


def candidate_from_json(body: Mapping[str, Any]) -> Candidate:
    """Return the few things a portfolio needs of an option's JSON."""
    size, broken = body["size"], [each for each in body["checks"] if not each["holds"]]
    usd = body["cost"]["expected_usd"]
    return Candidate(
        option_id=body["option_id"],
        tier=body["tier"],
        summary=body["summary"],
        usd=None if usd is None else Decimal(usd),
        broken=tuple(each["sentence"] for each in broken),
        is_soft=all(each["name"] in SOFT for each in broken),
        uses=_uses(size),
        commitment_months=int(body["commitment_months"]),
        is_launchable=body["tier"] in LAUNCHABLE,
        is_example=any(line.get("is_example") for line in body["cost"]["lines"]),
    )


def _uses(size: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return instances at most by type, and model units: what quotas are counted in."""
    found = []
    if size.get("instance_type"):
        most = max(int(size.get("instances") or 0), int(size.get("max_instances") or 0))
        found.append((str(size["instance_type"]), most))
    if size.get("model_units"):
        found.append((MODEL_UNITS, int(size["model_units"])))
    return tuple(found)
