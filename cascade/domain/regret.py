"""What shadowed requests would have gained from the strongest model, against what was promised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cascade.domain.drift import Alarm

_BETS = (0.1, 0.25, 0.45)


@dataclass(frozen=True, slots=True)
class Regret:
    """Bets against "the mean regret of shadowed requests is at most `allowed`", all begun at 1."""

    allowed: float
    capital: tuple[float, ...] = (1.0,) * len(_BETS)
    seen: int = 0


def observe_regret(
    regret: Regret, losses: Iterable[float], *, false_alarm: float = 0.001
) -> tuple[Regret, Alarm | None]:
    """Return the bets after more losses (quality of the strongest less that given, -1 to 1).

    Where the mean is at most `allowed`, a bet's capital is expected never to grow; restarted at
    one it also sees a change that comes late, and the mean number of shadowed requests between
    false alarms is at least 1 / false_alarm (e-detectors, arXiv:2203.03532): 100,000 requests at a
    shadow share of one in a hundred.
    """
    capital, seen = list(regret.capital), regret.seen
    for loss in losses:
        seen += 1
        for which, bet in enumerate(_BETS):
            capital[which] = max(1.0, capital[which] * (1 + bet * (loss - regret.allowed)))
        if max(capital) * false_alarm > len(_BETS):
            words = (
                f"After {seen:,} shadowed requests the quality lost is more than the "
                f"{regret.allowed:.1%} that was promised."
            )
            return Regret(regret.allowed), Alarm("regret", seen, words)
    return Regret(regret.allowed, tuple(capital), seen), None
