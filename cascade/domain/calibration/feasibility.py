"""Whether a quality can be promised at all, and what it must cost, before any label is bought."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What a target asks of any gate.

    `risk` is how much worse the cheapest stage alone is than the strongest, `allowed` what the
    target leaves (both relative, 0 to 1). At least `escalated` of requests must go up, so no more
    than `most_saved` can be saved by this cheapest stage, with a gate that is never wrong.
    """

    risk: float
    allowed: float
    escalated: float
    most_saved: float

    @property
    def words(self) -> str:
        """Say it in one sentence."""
        if self.escalated <= 0:
            return "The cheapest stage alone keeps this quality: nothing need escalate."
        return (
            f"The cheapest stage alone loses {self.risk:.1%} of the quality and {self.allowed:.1%} "
            f"is allowed: at least {self.escalated:.1%} of requests must escalate, "
            f"and at most {self.most_saved:.0%} can be saved."
        )


def feasibility(
    *, cheapest_quality: float, strongest_quality: float, target: float, cost_share: float
) -> Feasibility:
    """Return what keeping `target` (a share of the strongest's quality) asks.

    `cost_share` is the cheapest stage's cost over the strongest's. The least share that escalates
    is (risk - allowed) / (1 - allowed), arXiv:2606.29054.
    """
    whole = strongest_quality or 1.0
    risk = max(0.0, 1 - cheapest_quality / whole)
    allowed = 1 - target
    escalated = 0.0
    if risk > allowed:
        escalated = 1.0 if allowed >= 1 else (risk - allowed) / (1 - allowed)
    most_saved = 1 - cost_share - escalated
    return Feasibility(risk, allowed, escalated, min(1.0, max(0.0, most_saved)))
