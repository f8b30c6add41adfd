"""Constraints compared, each in a sentence with both numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from deployments.domain.candidates.question import Question
from deployments.domain.catalog import Model, Quality
from deployments.domain.latency import Times
from deployments.domain.options import Check
from deployments.domain.wording import count, milliseconds, months_in_words, percent
from deployments.domain.workload import LatencyOf, Residency, Workload

ENDS_SOON_DAYS = 90  # a move takes that long
SMALLEST_HEADROOM = Decimal("0.1")
TERM_MONTHS: Mapping[str, int] = {"none": 0, "one-month": 1, "six-months": 6}
RESIDENCY_ALLOWS: Mapping[Residency, tuple[str, ...]] = {
    Residency.ANYWHERE: ("global", "us", "in-region"),
    Residency.GEOGRAPHY: ("us", "in-region"),
    Residency.REGION: ("in-region",),
}
_ROUTE_WORDS: Mapping[str, str] = {
    "global": "any commercial Region of the world",
    "us": "Regions of the United States",
    "in-region": "the Region itself",
}


def of_model(model: Model, question: Question) -> list[Check]:
    """Return the checks that concern the model itself, wherever it runs."""
    workload = question.workload
    found = [
        lifecycle(model, question.today),
        _region(model, workload),
        _context(model, workload),
        _answer_length(model, workload),
    ]
    if workload.forbidden_models:
        found.append(_allowed(model, workload))
    if workload.quality_floor is not None:
        found.append(quality(model.quality, workload.quality_floor))
    return found


def lifecycle(model: Model, today: date) -> Check:
    """Compare the model's end of life with today."""
    is_open = model.status == "Active" and (model.eol_on is None or model.eol_on > today)
    if is_open:
        return Check("lifecycle", True, f"{model.name} is active on {today:%Y-%m-%d}.")
    end = f", end of life {model.eol_on:%Y-%m-%d}" if model.eol_on else ""
    return Check(
        "lifecycle",
        False,
        f"{model.name} is {model.status}{end}: it is closed to new customers on {today:%Y-%m-%d}.",
    )


def days_left(model: Model, today: date) -> int | None:
    """Return the days until a model's end of life; None when that is far off or not announced."""
    if model.eol_on is None or not 0 <= (model.eol_on - today).days <= ENDS_SOON_DAYS:
        return None
    return (model.eol_on - today).days


def _region(model: Model, workload: Workload) -> Check:
    where, is_there = ", ".join(model.regions), workload.region in model.regions
    nearest = "" if is_there else f"; the nearest is {_nearest(workload.region, model.regions)}"
    return Check(
        "region",
        is_there,
        f"Asked for {workload.region}; the catalogue knows {model.name} in {where}{nearest}.",
    )


def _nearest(region: str, known: Sequence[str]) -> str:
    """Return the Region whose name shares most with what was asked: geography, then side."""
    if not known:
        return "none"
    asked = region.split("-")

    def alike(each: str) -> int:
        return sum(a == b for a, b in zip(each.split("-"), asked, strict=False))

    return max(known, key=alike)


def _context(model: Model, workload: Workload) -> Check:
    seen = workload.images_per_request * model.image_tokens
    needed = workload.input_tokens_p95 + workload.output_tokens_p95 + seen
    return Check(
        "context",
        needed <= model.context_tokens,
        f"A long request has {needed:,} tokens; the context holds {model.context_tokens:,}.",
    )


def _answer_length(model: Model, workload: Workload) -> Check:
    return Check(
        "answer length",
        workload.output_tokens_p95 <= model.max_output_tokens,
        f"A long answer has {workload.output_tokens_p95:,} tokens; the model stops at "
        f"{model.max_output_tokens:,}.",
    )


def _allowed(model: Model, workload: Workload) -> Check:
    is_allowed = model.model_id not in workload.forbidden_models
    word = "is not" if is_allowed else "is"
    return Check("allowed", is_allowed, f"{model.name} {word} on the team's list of forbidden.")


def quality(score: Quality | None, floor: Decimal) -> Check:
    """Compare a public score with the floor; a model without a score does not pass."""
    if score is None:
        return Check("quality", False, f"The floor is {floor}; no public score was found.")
    note = f" {score.note}" if score.note else ""
    return Check(
        "quality",
        score.score >= floor,
        f"Scores {score.score} on the {score.index} {score.version} "
        f"({score.as_of:%Y-%m-%d}); the floor is {floor}.{note}",
    )


def residency(route: str, workload: Workload) -> Check:
    """Compare where a route may work on requests with where they may go."""
    return Check(
        "residency",
        route in RESIDENCY_ALLOWS[workload.residency],
        f"This route uses {_ROUTE_WORDS[route]}; requests may go: {workload.residency.value}.",
    )


def latency(times: Times, workload: Workload) -> Check:
    """Compare the estimate at the objective's percentile with the objective."""
    estimate = times.at(workload.latency_percentile)
    return Check(
        "latency",
        estimate <= workload.latency_ms,
        f"Estimated {milliseconds(estimate)} at p{workload.latency_percentile}"
        f"{' to the first token' if workload.latency_of is LatencyOf.FIRST_TOKEN else ''}; "
        f"the objective is {milliseconds(workload.latency_ms)}.",
    )


def headroom(share: Decimal) -> Check:
    """Compare the share left free at peak with the least we plan for."""
    return Check(
        "headroom",
        share >= SMALLEST_HEADROOM,
        f"{percent(share)} is free at peak; {percent(SMALLEST_HEADROOM)} is the least planned for.",
    )


def quota(*, name: str, what: str, needed: Decimal, question: Question) -> Check:
    """Compare a need with the account's limit; an unknown limit is said, not assumed broken."""
    limit = question.quotas.get(name)
    if limit is None:
        return Check(
            "quota",
            True,
            f"Needs {count(needed)} {what}; the account's limit is not known here, "
            "see Service Quotas before the launch.",
        )
    return Check(
        "quota",
        needed <= limit,
        f"Needs {count(needed)} {what}; the account's limit is {count(limit)}.",
    )


def payload(workload: Workload, limit_mb: float) -> Check:
    """Compare a request's bytes with what the service takes."""
    megabytes = Decimal(workload.payload_bytes) / 1_000_000
    return Check(
        "payload",
        megabytes <= Decimal(str(limit_mb)),
        f"A request carries {megabytes:,.2f} MB; the limit is {limit_mb:g} MB.",
    )


def time_limit(answer: Times, limit_s: float) -> Check:
    """Compare a slow answer with the service's time limit."""
    return Check(
        "time limit",
        answer.p99 <= limit_s * 1000,
        f"A slow answer takes {milliseconds(answer.p99)}; the service cuts off at "
        f"{milliseconds(limit_s * 1000)}.",
    )


def commitment(term: str, workload: Workload) -> Check:
    """Compare a term of model units with the longest the team takes."""
    return months(TERM_MONTHS[term], workload)


def months(term: int, workload: Workload) -> Check:
    """Compare a commitment in months with the longest the team takes."""
    longest = workload.longest_commitment_months
    start = f"Commits for {months_in_words(term)}" if term else "Commits to nothing"
    end = f"the longest accepted is {months_in_words(longest)}" if longest else "none is accepted"
    return Check("commitment", term <= longest, f"{start}; {end}.")


def forbids(name: str, is_asked: bool, sentence: str) -> list[Check]:
    """Return a broken check when the workload asks for what a tier cannot do."""
    return [Check(name, False, sentence)] if is_asked else []
