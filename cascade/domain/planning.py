"""Which stage a request goes to first and which it skips, by expected cost at today's prices. Pure.

Cascade routing (Dekoninck et al., ICML 2025) reduced to what runs in microseconds: the router's
P(right) decides how far up a request may go, the price table decides which cheaper stages are
worth asking on the way.
"""

from __future__ import annotations

import math

from cascade.domain.policy import Fallback, Policy
from cascade.domain.prices import PriceTable, cost_pico
from cascade.domain.request import Tokens
from cascade.domain.walk import Plan

# Spread of a gate's score in log-odds around the router's P(right). Fitted on Claude 3 answers to
# GSM8K, CRUX (ZeroEval) and BFCL with gates of AUC 0.8 to 0.88: of all and of the harder half, the
# predicted share of accepted answers lies within 0.15 of the real one at thresholds of 0.6 to 0.95.
# There too, a rejection said no more about the next stage's answer than the router already had.
GATE_SPREAD = 0.9
_CLOSE_TO_SURE = 1e-3


def plan(
    policy: Policy,
    *,
    p_right: tuple[float, ...],
    prices: PriceTable,
    input_tokens: int,
    output_tokens: int,
    highest: int,
) -> Plan:
    """Return the stages to try in order; `p_right` is P(right) by stage, empty when unknown.

    The last stage of the plan is the one whose P(right) less `skip_gain` for its money is highest:
    what a stronger model would also miss goes no further. A stage before it stays in when what it
    is expected to save exceeds what its rejected answers are expected to cost.
    """
    top = min(highest, len(policy.stages) - 1)
    ladder = tuple(range(top + 1))
    if not p_right or not policy.may_skip:
        return Plan(ladder, "every stage in turn", p_right, top)
    costs = stage_costs(
        policy, prices=prices, input_tokens=input_tokens, output_tokens=output_tokens
    )
    if len(p_right) != len(policy.stages) or not costs:
        return Plan(ladder, "every stage in turn: a price or a forecast is missing", p_right, top)
    worths = _worths(policy, p_right, costs)
    end = top if policy.fallback is Fallback.REFUSE else worths.index(max(worths[: top + 1]))
    enough = _enough(policy, worths, end)
    asked = tuple(
        min(stage.threshold, level) if level else stage.threshold
        for stage, level in zip(policy.stages, enough or (0.0,) * len(costs), strict=True)
    )
    order, usual = _cheapest(asked, p_right, costs, end, longest=policy.most_escalations + 1)
    saves = 1 - usual / costs[end] if usual else 0.0
    return Plan(order, _reason(policy, order, top=top, saves=saves), p_right, top, enough)


def stage_costs(
    policy: Policy, *, prices: PriceTable, input_tokens: int, output_tokens: int
) -> tuple[float, ...]:
    """Return what one answer of each stage costs in pico-dollars; empty when one has no price."""
    tokens = Tokens(input=input_tokens, output=output_tokens)
    costs = []
    for stage in policy.stages:
        tariff = prices.find(stage.target.model)
        if tariff is None:
            return ()
        costs.append(float(cost_pico(tariff, tokens)))
    return tuple(costs)


def acceptance(p_right: float, threshold: float) -> float:
    """Return the chance that a gate finds an answer good enough, given P(right) before the call.

    The score's log-odds are taken as normal around those of P(right), `GATE_SPREAD` wide.
    """
    if threshold <= 0:
        return 1.0
    if threshold >= 1:
        return 0.0
    far = (_log_odds(p_right) - _log_odds(threshold)) / GATE_SPREAD
    return 0.5 * (1 + math.erf(far / math.sqrt(2)))


def _worths(policy: Policy, p_right: tuple[float, ...], costs: tuple[float, ...]) -> list[float]:
    """Return P(right) by stage less what its money would have to bring in P(right)."""
    strongest = costs[-1] or max(costs) or 1.0
    return [
        chance - policy.skip_gain * cost / strongest
        for chance, cost in zip(p_right, costs, strict=True)
    ]


def _cheapest(
    asked: tuple[float, ...],
    p_right: tuple[float, ...],
    costs: tuple[float, ...],
    end: int,
    *,
    longest: int,
) -> tuple[tuple[int, ...], float]:
    """Return the cheapest way to `end` and its expected cost.

    From the end backwards: a stage before a way costs its answer, and the rest of the way when it
    is rejected. A stage without a threshold has no gate, so it may only be the end itself.
    """
    best: tuple[int, ...] = (end,)
    cost = costs[end]
    for place in range(end - 1, -1, -1):
        if asked[place] <= 0 or len(best) >= longest:
            continue
        with_it = costs[place] + (1 - acceptance(p_right[place], asked[place])) * cost
        if with_it < cost:
            best, cost = (place, *best), with_it
    return best, cost


def _enough(policy: Policy, worths: list[float], end: int) -> tuple[float, ...]:
    """Return by stage the score that no later stage of the plan is worth more than.

    Only a learned scorer's scores are chances of being right and compare with the router's; and
    who refuses short answers wants every stage tried.
    """
    if not policy.scorer or policy.fallback is Fallback.REFUSE:
        return ()
    enough = [0.0] * len(worths)
    for place in range(end - 1, -1, -1):
        enough[place] = max(worths[place + 1], enough[place + 1])
    return tuple(enough)


def _reason(policy: Policy, order: tuple[int, ...], *, top: int, saves: float) -> str:
    first, last = policy.stages[order[0]].name, policy.stages[order[-1]].name
    if len(order) > 1:
        return f"{first} first: expected to save {saves:.0%} of going straight to {last}"
    if order[0] == top:
        return f"straight to {last}: a cheaper answer would cost more than it saves"
    return f"only {last}: nothing above it is likelier right by what it costs"


def _log_odds(chance: float) -> float:
    held = min(max(chance, _CLOSE_TO_SURE), 1 - _CLOSE_TO_SURE)
    return math.log(held / (1 - held))
