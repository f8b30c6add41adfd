"""`python -m benchmarks [what ...] [--events N]`: measure, print, and fail on a missed limit."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks import boot, cascade, figures, gate, gateway, planner, portfolio, router, start

# In this order: each is benchmarks/<name>.py with `run(options) -> Sequence[Figure]`.
ON_A_DATABASE = ("volume", "pages", "advice", "books", "budgets")
ALL = (*ON_A_DATABASE, "planner", "portfolio", "cascade", "router", "gate", "gateway", "start")


def main() -> int:
    """Measure what was asked for; 1 when a limit was missed beyond noise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*ALL, []], help="all of them when left out")
    parser.add_argument("--events", type=int, default=10_000_000, help="metered usage events")
    parser.add_argument("--runs", type=int, default=40, help="requests of each page")
    parser.add_argument("--requests", type=int, default=40_000, help="of the gateway's memory")
    options = parser.parse_args()
    wanted = set(options.what or ALL)
    print(f"measured on {boot.machine()}", flush=True)
    found = _on_a_database(wanted, options)
    if "planner" in wanted:
        found += _told("planner", planner.run(options))
    if "portfolio" in wanted:
        found += _told("portfolio", portfolio.run(options))
    if "cascade" in wanted:
        found += _told("cascade", cascade.run(options))
    if "router" in wanted:
        found += _told("router", router.run(options))
    if "gate" in wanted:
        found += _told("gate", gate.run(options))
    if "gateway" in wanted:
        found += _told("gateway", gateway.run(options))
    if "start" in wanted:
        found += _told("start", start.run(options))
    lost = figures.missed(found)
    print(f"\n{len(found)} figures; " + (f"missed: {', '.join(lost)}" if lost else "none missed"))
    return 1 if lost else 0


def _on_a_database(wanted: set[str], options: argparse.Namespace) -> list[figures.Figure]:
    names = [name for name in ON_A_DATABASE if name in wanted and _exists(name)]
    if not names:
        return []
    if "pages" in names and "volume" not in names:
        names.insert(0, "volume")
    found: list[figures.Figure] = []
    with boot.installation():
        for name in names:
            # Not before the database runs: these import models.
            found += _told(name, importlib.import_module(f"benchmarks.{name}").run(options))
        print(f"\n{boot.database()}")
    return found


def _exists(name: str) -> bool:
    return Path(__file__).with_name(f"{name}.py").exists()


def _told(name: str, found) -> list[figures.Figure]:
    print(f"\n{name}\n{figures.table(found)}", flush=True)
    return list(found)


if __name__ == "__main__":
    sys.exit(main())
