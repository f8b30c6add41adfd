"""The capacity planner against public measurements, each figure beside a peer's."""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from benchmarks import planner_rows as data
from benchmarks.figures import Figure, timed
from benchmarks.planner_rows import FACTS, Row
from billing.adapters import price_list
from billing.domain import skus
from deployments.domain.planner import memory
from deployments.domain.planner.memory import GIB, Batching
from deployments.domain.planner.plan import PlanRequest, plan

CLOSE = 0.25
FEW = 3  # rows of a configuration below which one point is not set aside
GOALS_MS = (10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0)  # TPOT
LEAST_CHOICES = 6  # rows that answer the same workload
MOST = {"tpot": 15.0, "output": 12.0, "e2e": 12.0, "ttft": 40.0}
MOST_FAR = {"tpot": 30.0, "output": 20.0}
AFTER = {"ttft": 20.0}
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class _Priced:
    """A row with its prediction and USD an hour."""

    row: Row
    said: dict[str, float]
    usd: float

    @property
    def measured_usd(self) -> float:
        """USD an hour for each measured output token a second."""
        return self.usd / self.row.measured["output"]


def run(options: argparse.Namespace) -> Sequence[Figure]:
    """Return every target of the capacity data, measured; nothing where the data is not there."""
    if not data.DATA.exists():
        print("planner: the public measurements are not beside this checkout; skipped", flush=True)
        return _pace()
    found = data.rows()
    scored = [(row, data.predict(row)) for row in found]
    return [
        *_parameters(),
        *_memory(),
        *_speed(scored),
        *_after_one_point(scored),
        *_choice(scored),
        *_intervals(scored),
        *_pace(),
    ]


def _parameters() -> list[Figure]:
    models = [each for each in FACTS.architectures if each.published_parameters]
    wrong = [abs(each.parameters / each.published_parameters - 1) * 100 for each in models]
    return [
        Figure("parameters, worst", max(wrong), "%", 1.0, f"{len(models)} published checkpoints")
    ]


def _memory() -> list[Figure]:
    weights, cache, naive, lmi = [], [], [], []
    for replica, sequences, line in data.memory_logs():
        parts = memory.parts(
            replica=replica,
            batching=Batching(sequences, int(line["mbt"])),
            values=FACTS.values,
        )
        share = float(line["util"]) - replica.engine.memory_share
        kv = parts.kv + share * parts.usable
        measured = float(line["kv_gib"])
        weights.append(_off(parts.weights, float(line["weights_gib"])))
        cache.append(_off(kv, measured))
        model = replica.architecture
        plain = model.parameters * replica.precision.rest_bytes / replica.gpus / GIB
        naive.append(_off(float(line["util"]) * parts.usable - plain, measured))
        wide = 4 * model.layers * model.hidden  # the LMI guide: hidden size, not KV heads
        lmi.append(_off(wide, model.kv_bytes_per_token()))
    count = len(cache)
    return [
        Figure("weights per GPU", _median(weights), "%", 1.0, f"{count} engine logs"),
        Figure(
            "KV cache that fits",
            _median(cache),
            "%",
            3.0,
            f"worst {max(cache):.0f} %; peer (weights only) {_median(naive):.1f} %",
        ),
        Figure(
            "peer: LMI's bytes of a token", _median(lmi), "%", None, "off from the logs' models"
        ),
    ]


def _speed(scored: Sequence[tuple[Row, dict[str, float]]]) -> list[Figure]:
    module = data.reference()
    modern = [(row, said) for row, said in scored if row.is_modern]
    others = [(row, data.peer(row, module)) for row, _ in modern] if module else []
    found = []
    for name, most in MOST.items():
        mine, theirs = _errors(modern, name), _errors(others, name)
        beside = f"; peer (textbook reference) {_median(theirs):.1f} %" if theirs else ""
        remark = f"median of {len(mine):,} rows{beside}"
        found.append(Figure(f"{name}, modern engines", _median(mine), "%", most, remark))
        far = 100 * sum(each > 100 * CLOSE for each in mine) / len(mine)
        found.append(Figure(f"{name}, rows beyond 25 %", far, "%", MOST_FAR.get(name)))
        old = _errors([one for one in scored if not one[0].is_modern], name)
        if old:
            remark = f"median of {len(old):,} rows of TGI, Neuron and vLLM of 2023"
            found.append(Figure(f"{name}, old engines", _median(old), "%", None, remark))
    return found


def _after_one_point(scored: Sequence[tuple[Row, dict[str, float]]]) -> list[Figure]:
    """The row of middle load of each configuration rescales the others."""
    by: dict[tuple[str, ...], list[tuple[Row, dict[str, float]]]] = defaultdict(list)
    for row, said in scored:
        if row.load in ("closed", "static"):
            by[row.configuration].append((row, said))
    found = []
    for name in MOST:
        off = []
        for each in by.values():
            some = sorted(_with(each, name), key=lambda one: one[0].amount)
            if len(some) < FEW:
                continue
            point, predicted = some[len(some) // 2]
            factor = point.measured[name] / predicted[name]
            rest = [one for one in some if one[0] is not point]
            off += [_off(said[name] * factor, row.measured[name]) for row, said in rest]
        remark = f"median of {len(off):,} other rows of the configurations"
        found.append(Figure(f"{name}, after one point", _median(off), "%", AFTER.get(name), remark))
    return found


def _choice(scored: Sequence[tuple[Row, dict[str, float]]]) -> list[Figure]:
    """Of rows that answer the same workload, the cheapest predicted to meet a TPOT goal."""
    module = data.reference()
    mine = _picks(scored)
    peers = [(row, data.peer(row, module)) for row, _ in scored if row.is_modern] if module else []
    theirs = _picks(peers)
    if not mine:
        return []
    regrets = sorted(each for each in mine if each is not None)
    ninth = regrets[int(0.9 * (len(regrets) - 1))]
    beside = f"; peer (textbook reference) {_missed(theirs):.0f} %" if theirs else ""
    return [
        Figure(
            "choice, picks that miss the goal",
            _missed(mine),
            "%",
            15.0,
            f"{len(mine)} choices{beside}",
        ),
        Figure("choice, median regret", _median(regrets), "%", 5.0, f"p90 {ninth:.0f} %"),
    ]


def _picks(scored: Iterable[tuple[Row, dict[str, float]]]) -> list[float | None]:
    """Regret in % of each pick that meets its goal; None of one that does not."""
    groups: dict[tuple[object, ...], list[_Priced]] = defaultdict(list)
    hourly = _usd_per_gpu_hour()
    for row, said in scored:
        usd = hourly.get(row.replica.accelerator.name)
        if usd and row.load == "closed" and {"tpot", "output"} <= row.measured.keys():
            made = row.replica
            key = (row.source, made.architecture.name, made.engine.key, row.lengths)
            groups[key].append(_Priced(row, said, usd * made.gpus))
    found = [_pick(some, goal) for some in groups.values() for goal in GOALS_MS]
    return [regret for is_asked, regret in found if is_asked]


def _pick(some: Sequence[_Priced], goal: float) -> tuple[bool, float | None]:
    """Whether there was a choice to make, and its regret in %; None when it missed the goal."""
    able = [one.measured_usd for one in some if one.row.measured["tpot"] <= goal]
    seen = [one for one in some if one.said["tpot"] <= goal]
    if len(some) < LEAST_CHOICES or not able or not seen:
        return False, None
    pick = min(seen, key=lambda one: one.usd / one.said["output"])
    if pick.row.measured["tpot"] > goal:
        return True, None
    return True, 100 * (pick.measured_usd / min(able) - 1)


def _missed(picks: Sequence[float | None]) -> float:
    return 100 * sum(each is None for each in picks) / len(picks)


def _intervals(scored: Sequence[tuple[Row, dict[str, float]]]) -> list[Figure]:
    """Rows outside the stated 80 % interval: 10 to 25 % are honest."""
    inside: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row, said in scored:
        for name in said.keys() & row.measured.keys():
            spread = FACTS.spread.get((name, row.confidence))
            if spread:
                ratio = row.measured[name] / said[name]
                low, high = min(spread.low, 1.0), max(spread.high, 1.0)
                inside[(name, row.confidence)].append(low <= ratio <= high)
    return [
        Figure(
            f"outside the 80 % interval: {name}, {confidence}",
            100 * (1 - sum(held) / len(held)),
            "%",
            25.0,
            f"{len(held):,} rows; on the rows the widths come from",
        )
        for (name, confidence), held in sorted(inside.items())
    ]


def _pace() -> list[Figure]:
    """Time of one whole plan: scenario B over every machine, finalists simulated."""
    prices = next(each for each in price_list.load() if each.region == REGION)
    wish = PlanRequest(
        architecture=FACTS.architecture["Llama-3-70B"],
        mean_rps=Decimal(5),
        peak_rps=Decimal(12),
        input_tokens_mean=1500,
        input_tokens_p95=1800,
        output_tokens_mean=300,
        output_tokens_p95=300,
        latency_ms=3000,
        usd_per_request=Decimal("0.02"),
    )
    taken = timed(lambda: plan(request=wish, facts=FACTS, prices=prices), runs=10)
    remark = f"p95 {taken.percentile_ms(95):.0f} ms of 10"
    return [Figure("a whole plan (scenario B)", taken.percentile_ms(50), "ms", 300.0, remark)]


def _usd_per_gpu_hour() -> dict[str, float]:
    prices = next(each for each in price_list.load() if each.region == REGION)
    found: dict[str, float] = {}
    for machine in FACTS.machines:
        price = prices.find(skus.instance(instance_type=machine.instance_type))
        if price:
            each = float(price.usd) / machine.gpus
            found[machine.accelerator] = min(each, found.get(machine.accelerator, each))
    return found


def _with(
    some: Iterable[tuple[Row, dict[str, float]]], name: str
) -> list[tuple[Row, dict[str, float]]]:
    return [(row, said) for row, said in some if name in said and row.measured.get(name)]


def _errors(scored: Iterable[tuple[Row, dict[str, float]]], name: str) -> list[float]:
    return [_off(said[name], row.measured[name]) for row, said in _with(scored, name)]


def _off(predicted: float, measured: float) -> float:
    return 100 * abs(predicted / measured - 1)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")
