"""Regularised logistic regression on sparse rows: Newton's method, the same result each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade.domain.hashing import COUNTS, DIMENSIONS, Hashed

# Chosen by cross-validation over buckets 0 to 4 of RouteLLM's MMLU, see benchmarks/router.py.
PENALTY = 3.0
COUNT_SCALE = 0.07
RARITY_SCALE = 0.2

_STEPS = 30
_INNER_STEPS = 40
_ENOUGH = 1e-4

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A sparse matrix by rows: `row[i]` (rising), `column[i]`, `value[i]` of each entry.

    `starts` says where the entries of each row that has any begin. Build it by `sparse`.
    """

    count: int
    columns: int
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    value: Vector
    starts: NDArray[np.intp]

    def times(self, weights: Vector) -> Vector:
        """Return the product with a column of weights: one number per row."""
        found = np.zeros(self.count)
        if self.starts.size:
            terms = self.value * weights.take(self.column)
            found[self.row[self.starts]] = np.add.reduceat(terms, self.starts)
        return found

    def back(self, residuals: Vector) -> Vector:
        """Return the product of the transposed matrix with one number per row."""
        terms = self.value * residuals.take(self.row)
        return np.asarray(np.bincount(self.column, terms, self.columns), np.float64)

    def kept(self, wanted: NDArray[np.bool_]) -> Rows:
        """Return the rows that are wanted, in their order."""
        of_wanted = wanted[self.row]
        place = np.cumsum(wanted) - 1
        return sparse(
            int(wanted.sum()),
            self.columns,
            row=place[self.row[of_wanted]],
            column=self.column[of_wanted],
            value=self.value[of_wanted],
        )


def sparse(
    count: int, columns: int, *, row: ArrayLike, column: ArrayLike, value: ArrayLike
) -> Rows:
    """Build a matrix from its entries, sorted by row."""
    rows = np.asarray(row, np.intp)
    return Rows(
        count=count,
        columns=columns,
        row=rows,
        column=np.asarray(column, np.intp),
        value=np.asarray(value, np.float64),
        starts=np.flatnonzero(np.diff(rows, prepend=-1)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """What was fitted: log-odds = row . weights + bias."""

    weights: Vector
    bias: float

    def log_odds(self, rows: Rows) -> Vector:
        """Return the log-odds of each row."""
        return rows.times(self.weights) + self.bias


def rows_of(found: Sequence[Hashed], *, columns: int = DIMENSIONS) -> Rows:
    """Put the features of many texts under each other; indices must lie below `columns`."""
    sizes = [one.indices.size for one in found]
    return sparse(
        len(found),
        columns,
        row=np.repeat(np.arange(len(found)), sizes),
        column=np.concatenate([np.empty(0, np.int32), *(one.indices for one in found)]),
        value=np.concatenate([np.empty(0, np.float32), *(one.values for one in found)]),
    )


def fit_logistic(
    rows: Rows,
    labels: ArrayLike,
    *,
    importance: ArrayLike | None = None,
    penalty: float = PENALTY,
    counts: int = COUNTS,
    count_scale: float = COUNT_SCALE,
) -> Linear:
    """Fit P(label = 1), labels from 0 to 1, with a squared penalty on all but the bias.

    The first `counts` columns are brought to spread `count_scale`, the others are scaled by their
    rarity (1 + log of rows by rows with it): a rare n-gram may weigh more. Both scales are folded
    into the weights, so that reading a row needs nothing but them. `importance` weighs rows (the
    inverse of the chance to be kept). Raises ValueError when there is nothing to fit.
    """
    wanted = np.asarray(labels, np.float64)
    if rows.count == 0 or wanted.shape != (rows.count,):
        message = f"{rows.count} rows with {wanted.size} labels: each row needs one label."
        raise ValueError(message)
    heavy = np.ones(rows.count) if importance is None else np.asarray(importance, np.float64)
    heavy = heavy / heavy.mean()
    scale, middle = _scales(rows, counts=counts, count_scale=count_scale)
    problem = _Problem(rows, wanted, heavy, scale, middle * scale, penalty)
    solved = _newton(problem)
    weights = solved[:-1] * scale
    return Linear(weights, float(solved[-1] - middle @ weights))


def _scales(rows: Rows, *, counts: int, count_scale: float) -> tuple[Vector, Vector]:
    """Return each column's scale and the middle taken from it (0 but for the counts)."""
    present = np.bincount(rows.column, minlength=rows.columns)
    scale = RARITY_SCALE * (1 + np.log((1 + rows.count) / (1 + present)))
    first = rows.column < counts
    table = np.zeros((rows.count, counts))
    table[rows.row[first], rows.column[first]] = rows.value[first]
    spread = table.std(axis=0)
    scale[:counts] = np.where(spread > 0, count_scale / np.where(spread > 0, spread, 1), 0)
    middle = np.zeros(rows.columns)
    middle[:counts] = table.mean(axis=0)
    return scale, middle


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The loss in scaled weights; the last number is the bias, which is free."""

    rows: Rows
    labels: Vector
    importance: Vector
    scale: Vector
    shift: Vector
    penalty: float

    def log_odds(self, at: Vector) -> Vector:
        odds = self.rows.times(at[:-1] * self.scale)
        return odds + float(at[-1] - self.shift @ at[:-1])

    def back(self, residuals: Vector) -> Vector:
        total = residuals.sum()
        return np.append(self.rows.back(residuals) * self.scale - self.shift * total, total)

    def loss(self, at: Vector) -> float:
        odds = self.log_odds(at)
        each = np.logaddexp(0, odds) - self.labels * odds
        return float(self.importance @ each + self.penalty / 2 * (at[:-1] @ at[:-1]))

    def penalised(self, at: Vector) -> Vector:
        pulled = self.penalty * at
        pulled[-1] = 0
        return pulled


def _newton(problem: _Problem) -> Vector:
    """Return the minimum: Newton's steps by conjugate gradients, halved until they help."""
    at = np.zeros(problem.rows.columns + 1)
    loss = problem.loss(at)
    for _ in range(_STEPS):
        right = sigmoid(problem.log_odds(at))
        slope = problem.back(problem.importance * (right - problem.labels)) + problem.penalised(at)
        curve = problem.importance * right * (1 - right)
        step = _conjugate(problem, curve, -slope)
        share = 1.0
        while (lower := problem.loss(at + share * step)) > loss and share > _ENOUGH:
            share /= 2
        if lower >= loss:
            return at
        at, before, loss = at + share * step, loss, lower
        if before - loss < _ENOUGH * max(1.0, abs(loss)) * 0.1:
            return at
    return at


def _conjugate(problem: _Problem, curve: Vector, target: Vector) -> Vector:
    """Return about the x with Hessian x = target."""
    found = np.zeros_like(target)
    rest = target.copy()
    way = rest.copy()
    size = first = rest @ rest
    for _ in range(_INNER_STEPS):
        if size <= first * _ENOUGH:
            break
        bent = problem.back(curve * problem.log_odds(way)) + problem.penalised(way)
        far = size / (way @ bent)
        found += far * way
        rest -= far * bent
        size, old = rest @ rest, size
        way = rest + size / old * way
    return found


def sigmoid(odds: Vector) -> Vector:
    """Return chances of log-odds, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * odds)), np.float64)
