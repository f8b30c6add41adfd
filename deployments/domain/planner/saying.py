"""A plan in sentences: what it is, what stands in the way, what it stands on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from billing.domain.prices import PriceBook
from deployments.domain.planner.facts import ServingFacts
from deployments.domain.planner.memory import GIB
from deployments.domain.planner.result import Configuration, Estimate, Nearest
from deployments.domain.planner.search import Candidate, Task
from deployments.domain.wording import milliseconds, percent, usd_a_month

FORTY = "ml.p4d.24xlarge"
EIGHTY = "ml.p4de.24xlarge"


def sentences(
    *,
    asked: Task,
    candidates: Sequence[Candidate],
    finalists: Sequence[Configuration],
    pick: Configuration | None,
    nearest: Sequence[Nearest],
) -> tuple[str, ...]:
    """Return what the plan says in words, the answer first."""
    found = _picked(pick, asked) if pick else _refused(nearest, asked)
    if pick:
        found += _wider(pick, finalists)
    return (*found, *_a100(candidates))


def assumptions(*, asked: Task, facts: ServingFacts, prices: PriceBook) -> tuple[str, ...]:
    """Return what the plan stands on."""
    wish = asked.request
    cut = f", cut at {wish.max_output_tokens:,}" if wish.max_output_tokens else ""
    found = [
        f"Lengths are lognormal by mean and p95{cut}: {asked.outputs_at:,.0f} output tokens at "
        f"p{wish.latency_percentile}. Arrivals are random (Poisson) at the peak of "
        f"{wish.peak_rps} requests/s.",
        f"At most {percent(facts.values['plan-utilisation'])} of saturation at the peak for "
        "a tight percentile.",
        f"At least {wish.min_replicas} instances, which SageMaker spreads over zones; all run the "
        "whole month.",
        "Textbook constants of the roofline; intervals from public measurements of other sources "
        "than the one predicted.",
        f"Prices of {prices.region} as of {prices.as_of.isoformat()}.",
    ]
    if prices.region != wish.region:
        found.append(f"The load is in {wish.region}; prices there may differ.")
    if not wish.prefix_cached_share:
        found.append("No prompt shares a prefix that is already in memory.")
    return tuple(found)


def broken(made: Configuration) -> tuple[str, ...]:
    """Return what a configuration breaks."""
    found = tuple(check.sentence for check in made.checks if not check.holds)
    if made.usd_month is None:
        found += (f"{made.instance_type} has no price: it needs a quote.",)
    return found


def relief(made: Configuration, asked: Task) -> tuple[Nearest, ...]:
    """Return the least change to the wish that makes a configuration hold."""
    failed = {check.name for check in made.checks if not check.holds}
    found = []
    whole = _times(made, asked).value
    if "price" in failed and made.usd_per_request is not None:
        usd = made.usd_per_request
        found.append(
            Nearest("price", float(usd), f"{made.key} holds the rest at {usd:.4f} USD a request.")
        )
    if "quota" in failed:
        found.append(
            Nearest(
                "quota",
                made.instances,
                f"A quota of {made.instances} x {made.instance_type} would do.",
            )
        )
    if "latency" in failed:
        found.append(Nearest("latency", round(whole), f"{made.key} gives {milliseconds(whole)}."))
        if made.output_cap:
            found.append(
                Nearest(
                    "output-cap",
                    made.output_cap,
                    f"{made.key} holds the limit to {made.output_cap:,} output tokens.",
                )
            )
    return tuple(found)


def capped(cut: Configuration, cap: int) -> Nearest:
    """Return the plan with answers cut, as a change to the wish."""
    monthly = usd_a_month(cut.usd_month) if cut.usd_month is not None else "a quote"
    each = f" ({cut.usd_per_request:.4f} USD a request)" if cut.usd_per_request else ""
    whole = milliseconds(cut.prediction.e2e_p99.value)
    return Nearest(
        "output-cap",
        cap,
        f"With max_tokens {cap:,}, {cut.instances} x {cut.key} hold every wish for "
        f"{monthly}{each}: p99 {whole}.",
    )


def _picked(pick: Configuration, asked: Task) -> list[str]:
    monthly = usd_a_month(pick.usd_month) if pick.usd_month is not None else "a quote"
    each = f", {pick.usd_per_request:.4f} USD a request" if pick.usd_per_request else ""
    wish, loaded = asked.request, pick.loading
    is_first = wish.latency_of == "first-token"
    said = _times(pick, asked)
    found = [
        f"{pick.instances} x {pick.key}: {monthly}{each}.",
        f"p{wish.latency_percentile} is {milliseconds(said.value)} at the peak (80 % interval "
        f"{milliseconds(said.low)} to {milliseconds(said.high)}), against "
        f"{milliseconds(wish.latency_ms)}; {percent(round(pick.utilisation, 2))} of saturation.",
    ]
    if said.high > wish.latency_ms:
        found.append(
            "The high end of the interval breaks the limit: measure one load point before "
            "promising it."
        )
    if pick.output_cap and not is_first:
        found.append(
            f"Set max_tokens to {pick.output_cap:,}: longer answers would pass "
            f"{milliseconds(wish.latency_ms)}."
        )
    found.append(
        f"Load by {loaded.strategy}: ready in {loaded.seconds_to_ready} s; set the start-up health "
        f"check to {loaded.startup_health_check_timeout_s} s and the model download to "
        f"{loaded.model_data_download_timeout_s} s. {loaded.volume_sentence}"
    )
    return found


def _refused(nearest: Sequence[Nearest], asked: Task) -> list[str]:
    wish = asked.request
    goal = "first token" if wish.latency_of == "first-token" else "whole answer"
    length = f"{asked.outputs_at:,.0f} output tokens at p{wish.latency_percentile}"
    price = f" under {wish.usd_per_request} USD a request" if wish.usd_per_request else ""
    return [
        f"No configuration gives the {goal} within {milliseconds(wish.latency_ms)} at "
        f"p{wish.latency_percentile} with {length}{price}.",
        *(each.sentence for each in nearest),
    ]


def _wider(pick: Configuration, finalists: Sequence[Configuration]) -> list[str]:
    if pick.precision not in ("int4", "nvfp4"):
        return []
    wide = (one for one in finalists if one.is_feasible and one.precision not in ("int4", "nvfp4"))
    found = next(wide, None)
    if found is None or found.usd_month is None:
        return ["No configuration with 8 or 16 bits holds the wish: test the quality of 4 bits."]
    return [
        f"With 8 bits or more it would be {found.instances} x {found.key} for "
        f"{usd_a_month(found.usd_month)}; 4 bits need a test of quality first."
    ]


def _a100(candidates: Sequence[Candidate]) -> list[str]:
    """People take p4d for 80 GB; what it holds of this model decides the layout."""
    held = {
        (one.machine.instance_type, one.layout.tensor): one
        for one in candidates
        if one.replica.precision.name == "bf16" and one.layout.pipeline == 1
    }
    four, eight = held.get((FORTY, 4)), held.get((FORTY, 8))
    large = held.get((EIGHTY, 4))
    if four is None or eight is None or four.memory.weights * GIB < 10 * GIB:
        return []
    said = [
        f"{FORTY} has 8 x A100 with 40 GB, not 80. At bf16 on 4 GPUs, "
        f"{four.memory.weights:.1f} GiB of weights on each, {_left(four)}; on 8 GPUs "
        f"{_left(eight)}."
    ]
    if large:
        said.append(f"{EIGHTY} is the one with 80 GB: on 4 GPUs {_left(large)}.")
    return said


def _left(one: Candidate) -> str:
    if one.kv_tokens <= 0:
        return "the model does not fit"
    return f"{one.memory.kv:.1f} GiB are left for KV ({one.kv_tokens:,} tokens)"


def _times(made: Configuration, asked: Task) -> Estimate:
    """What the latency objective is compared with."""
    said, wish = made.prediction, asked.request
    both = {
        50: (said.ttft_p50, said.e2e_p50),
        95: (said.ttft_p95, said.e2e_p95),
    }.get(wish.latency_percentile, (said.ttft_p99, said.e2e_p99))
    return both[0 if wish.latency_of == "first-token" else 1]
