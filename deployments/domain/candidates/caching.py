"""Prompt caching: what of the input is read from the cache, and what that costs. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from billing.domain import skus
from deployments.domain import cost
from deployments.domain.candidates.question import Question
from deployments.domain.catalog import Model
from deployments.domain.wording import count
from deployments.domain.workload import SECONDS_PER_MONTH, Workload


def is_long(model: Model, workload: Workload) -> bool:
    """Say whether a long request passes the threshold above which all its tokens cost more."""
    limit = model.long_prompt_tokens
    seen = workload.images_per_request * model.image_tokens
    return limit is not None and workload.input_tokens_p95 + seen > limit


def prefix_tokens(model: Model, route: str, question: Question) -> int:
    """Return the tokens of a request that the cache can hold; 0 below the model's minimum."""
    workload = question.workload
    wished = int(
        (workload.input_tokens_mean * workload.cached_input_share).to_integral_value(ROUND_FLOOR)
    )
    least = model.cache_min_tokens
    if not wished or least is None or wished < least:
        return 0
    if question.prices.find(_sku("cache-read", model, route, workload)) is None:
        return 0
    return min(wished, model.cache_max_tokens or wished)


def split(
    drafts: list[cost.Draft], prefix: int, model: Model, route: str, question: Question
) -> list[cost.Draft]:
    """Return the token lines with the prefix moved from the input to the cache's lines.

    A prefix is written once in each life of the cache, by at most every request, and read by the
    others; a model without a price for writing takes the input's.
    """
    first, *rest = drafts
    write = _sku("cache-write", model, route, question.workload)
    is_sold = question.prices.find(write) is not None
    total, writes = _requests(question), _writes(question)
    reads = tuple((all_of - some) * prefix for all_of, some in zip(total, writes, strict=True))
    written = tuple(some * prefix for some in writes)
    moved = tuple(all_of * prefix for all_of in total) if is_sold else reads
    plain = replace(
        first,
        low=first.low - moved[0],
        expected=first.expected - moved[1],
        high=first.high - moved[2],
    )
    read = _sku("cache-read", model, route, question.workload)
    lines = [plain, _line("Tokens read from the cache", read, reads)]
    if is_sold:
        lines.append(_line("Tokens written to the cache", write, written))
    return [*lines, *rest]


def _line(label: str, sku: str, tokens: tuple[Decimal, ...]) -> cost.Draft:
    low, expected, high = tokens
    return cost.Draft(label, sku, low, expected, high)


def words(model: Model, route: str, question: Question) -> tuple[str, ...]:
    """Return how the cache was counted, or why nothing was; empty without a shared prefix."""
    workload = question.workload
    if not workload.cached_input_share:
        return ()
    prefix = prefix_tokens(model, route, question)
    if prefix:
        return (
            f"{count(prefix)} tokens of each request are one shared prefix, written to the cache "
            f"once in {question.values['cache.life-s']:g} s at most and read otherwise "
            f"({model.cache_source}).",
        )
    if model.cache_min_tokens is None:
        return ("Nothing is cached: no minimum and price of a prompt cache was found.",)
    wished = workload.input_tokens_mean * workload.cached_input_share
    return (
        f"Nothing is cached: the prefix has {count(wished)} tokens, the model caches from "
        f"{model.cache_min_tokens:,} on ({model.cache_source}).",
    )


def _sku(direction: str, model: Model, route: str, workload: Workload) -> str:
    suffix = "-long" if is_long(model, workload) else ""
    return skus.bedrock_tokens(model=model.model_id, route=route, direction=direction + suffix)


def _requests(question: Question) -> tuple[Decimal, Decimal, Decimal]:
    expected = question.workload.requests_per_month
    return expected * cost.LOW_LOAD, expected, expected


def _writes(question: Question) -> tuple[Decimal, ...]:
    lives = SECONDS_PER_MONTH / Decimal(str(question.values["cache.life-s"]))
    return tuple(min(requests, lives) for requests in _requests(question))
