"""The portfolio solver on made-up organisations: how long it takes and how much it proves."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure
from deployments.domain.portfolio.problem import MONEY, Choice, Item, Objective, Problem
from deployments.domain.portfolio.solve import solve

GAP = 1e-4
# What the same shapes took with scipy's HiGHS, as noted when the method was chosen (2026-11-20).
HIGHS = "HiGHS took 5 to 11 s on the middle one and found nothing in 200 s on the largest"


@dataclass(frozen=True, slots=True)
class Shape:
    """Features, options of each, whether there are limits beside money, and seconds allowed."""

    features: int
    options: int
    has_side_limits: bool
    limit_s: float


SHAPES = (
    Shape(300, 40, False, 2.0),
    Shape(1_000, 40, True, 1.5),
    Shape(5_000, 50, True, 10.0),
)


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Solve each shape twice: value that hardly follows cost, and value that nearly does."""
    print(f"portfolio: {HIGHS}", flush=True)
    return [
        figure for shape in SHAPES for spread in (0.5, 0.15) for figure in _measured(shape, spread)
    ]


def _measured(shape: Shape, spread: float) -> list[Figure]:
    problem = _problem(shape, spread)
    began = time.perf_counter()
    found = solve(problem)
    took = time.perf_counter() - began
    began = time.perf_counter()
    peer = _greedy(problem)
    greedy_s = time.perf_counter() - began
    name = f"{shape.features} x {shape.options}{', 3 limits' if shape.has_side_limits else ''}"
    hard = "value near cost" if spread < 0.3 else "value apart"
    worse = 1 - peer / found.value
    return [
        Figure(
            f"{name}, {hard}: time",
            took,
            "s",
            shape.limit_s,
            f"greedy {greedy_s:.2f} s, {worse:.2%} less value",
        ),
        Figure(f"{name}, {hard}: proven gap", found.gap * 1e4, "e-4", GAP * 1e4),
    ]


def _problem(shape: Shape, spread: float) -> Problem:
    """Return an organisation whose budget carries some three fifths of the middle options."""
    dice = random.Random(f"{shape.features}/{shape.options}/{spread}")
    items, middle, units, gpus = [], 0, 0, 0
    for number in range(shape.features):
        size = dice.lognormvariate(0, 1.2)
        choices = [Choice("", 0)]
        for option in range(shape.options - 1):
            cost = int(size * dice.lognormvariate(4.5, 0.8) * 1e6)
            value = int((cost / 1e6) ** 0.7 * dice.lognormvariate(0, spread) * 1000)
            uses = (("gpu", dice.choice([0, 0, 0, 1, 1, 2, 4, 8])), ("units", dice.choice([0, 1])))
            choices.append(Choice(str(option), cost, value, uses))
        middle += sorted(each.cost_micro_usd for each in choices)[len(choices) // 2]
        gpus += max(each.use_of("gpu") for each in choices)
        units += max(each.use_of("units") for each in choices)
        items.append(Item(str(number), tuple(choices)))
    side = {"gpu": int(gpus * 0.18), "units": int(units * 0.2)} if shape.has_side_limits else {}
    return Problem(tuple(items), {MONEY: int(middle * 0.6), **side}, Objective.VALUE)


def _greedy(problem: Problem) -> int:
    """Take the most value for its money first, as long as it fits: what one would do by hand."""
    left, taken, value = dict(problem.limits), set[str](), 0
    every = [(item, choice) for item in problem.items for choice in item.choices if choice.value]
    every.sort(key=lambda pair: pair[1].value / pair[1].cost_micro_usd, reverse=True)
    for item, choice in every:
        if item.name in taken or any(choice.use_of(name) > most for name, most in left.items()):
            continue
        taken.add(item.name)
        value += choice.value
        left = {name: most - choice.use_of(name) for name, most in left.items()}
    return value
