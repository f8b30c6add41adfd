"""Two tiers together: a fleet for the base and tokens for the rest; a function in front. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from billing.domain import skus
from deployments.domain import cost, latency
from deployments.domain.candidates import checks, functions, gpu, managed, runner, spread
from deployments.domain.candidates.offer import Offer, priced
from deployments.domain.candidates.question import Question
from deployments.domain.candidates.runner import Runner
from deployments.domain.catalog import Model, Route
from deployments.domain.latency import Times
from deployments.domain.options import Capacity, Check, Latency, Option, Size, Tier
from deployments.domain.wording import count, percent
from deployments.domain.workload import Need

KEPT_FLEETS = 2
KEPT_MODELS = 2
LEAST_SPREAD = Decimal("1.2")  # peak over mean below which there is hardly any load to spill
_BASES = (Decimal("0.5"), Decimal(1))  # of the mean load


def options(
    question: Question, found: Sequence[Runner], on_demand: Sequence[Option]
) -> list[Option]:
    """Return fleets for a base with the rest on demand, and own models behind a function."""
    return [*_spilling(question, found, on_demand), *_fronted(question, found)]


def _spilling(
    question: Question, found: Sequence[Runner], on_demand: Sequence[Option]
) -> list[Option]:
    workload = question.workload
    if workload.peak_rps < workload.mean_rps * LEAST_SPREAD:
        return []
    return [
        _spill(each, beyond, workload.mean_rps * share, question)
        for each in found[:KEPT_FLEETS]
        for beyond in _best(on_demand)
        for share in _BASES
    ]


def _best(on_demand: Sequence[Option]) -> list[Option]:
    """Return the options by the token that break the least and cost the least."""

    def key(option: Option) -> tuple[int, Decimal]:
        broken = sum(not check.holds for check in option.checks)
        return broken, option.cost.expected_usd or Decimal(0)

    known = [option for option in on_demand if option.cost.expected_usd is not None]
    return sorted(known, key=key)[:KEPT_MODELS]


def _spill(each: Runner, beyond: Option, base_rps: Decimal, question: Question) -> Option:
    machines = _for_base(each, base_rps)
    carried = machines * each.planned_rps
    share = Decimal(str(round(spread.share_above(question.workload, carried), 6)))
    model, route = _way(beyond, question)
    times, kind = _slower(each.times, model, question), each.instance_type
    tokens = [_part(draft, share) for draft in managed.token_drafts(model, route, question)]
    return priced(
        Offer(
            tier=Tier.HYBRID,
            model=each.model_id,
            name=f"{kind}/{each.precision}/x{machines}/{model.model_id}/{route.route}",
            size=Size(instance_type=kind, instances=machines, max_instances=machines),
            drafts=[_fleet(kind, machines), *tokens],
            assumptions=(
                cost.FIXED_ASSUMPTION,
                spread.shape_in_words(question.workload),
                f"The fleet carries {carried:,.1f} requests/s; {percent(share)} of the requests "
                f"come on top and go to {model.name}.",
                *cost.LOAD_ASSUMPTIONS[1:],
                *((each.note,) if each.note else ()),
            ),
            latency=_shown(each, times, model),
            capacity=_capacity(each, machines, beyond, question),
            checks=_checks(each, beyond, times, machines, question),
            summary=f"{each.on} on {machines} x {kind} for the base, {model.name} for the rest",
            burden=5,
            notes=("Two models answer: their answers differ, so both must be good enough.",),
            extra={**runner.sizing(each, question), **beyond.extra, "beyond": model.model_id},
        ),
        question,
    )


def _for_base(each: Runner, base_rps: Decimal) -> int:
    return max(int(base_rps / Decimal(str(each.planned_rps))), 1)


def _way(beyond: Option, question: Question) -> tuple[Model, Route]:
    model = question.catalog.by_id[beyond.model]
    route = next(each for each in model.routes if each.invoke_id == beyond.invoke_id)
    return question.as_measured(model, route.route), route


def _part(draft: cost.Draft, share: Decimal) -> cost.Draft:
    return replace(
        draft,
        label=f"{draft.label} beyond the base",
        low=draft.low * share,
        expected=draft.expected * share,
        high=draft.high * share,
    )


def _fleet(kind: str, machines: int) -> cost.Draft:
    return cost.by_the_hour(
        label=kind, sku=skus.instance(instance_type=kind), count=machines, most=machines
    )


def _slower(times: Times, model: Model, question: Question) -> Times:
    other = managed.times_of(model, question)
    return Times(max(times.p50, other.p50), max(times.p95, other.p95), max(times.p99, other.p99))


def _shown(each: Runner, times: Times, model: Model) -> Latency:
    return latency.as_latency(
        times,
        cold_start_ms=0,
        basis=f"The slower of both. {each.basis} {managed.speed_of(model).source}",
        as_of=each.as_of,
        confidence=each.confidence,
    )


def _capacity(each: Runner, machines: int, beyond: Option, question: Question) -> Capacity:
    fleet = runner.capacity(each, machines, question).max_rps
    peak, most = question.workload.peak_rps, fleet + beyond.capacity.max_rps
    return Capacity(
        max_rps=most,
        headroom=max(1 - peak / most, Decimal(0)).quantize(runner.THOUSANDTH),
        limited_by="the fleet, then the token quota",
        quota=each.instance_type,
        quota_needed=Decimal(machines),
    )


def _checks(
    each: Runner, beyond: Option, times: Times, machines: int, question: Question
) -> tuple[Check, ...]:
    """Return what both parts must hold; a name that both have fails when either fails."""
    managed_part = [check for check in beyond.checks if check.name not in ("latency", "payload")]
    fleet = [*each.fits, gpu.endpoint_quota(each.instance_type, machines, question)]
    merged: dict[str, Check] = {}
    for check in (*fleet, *managed_part):
        known = merged.get(check.name)
        if known is None or (known.holds and not check.holds):
            merged[check.name] = check
        elif known.holds == check.holds and known.sentence != check.sentence:
            said = f"{known.sentence} {check.sentence}"
            merged[check.name] = Check(check.name, check.holds, said)
    payload = checks.payload(question.workload, question.values["sagemaker.payload-mb"])
    return (*merged.values(), checks.latency(times, question.workload), payload)


def _fronted(question: Question, found: Sequence[Runner]) -> list[Option]:
    """Return own models on an endpoint with a function that calls it: one address for the API."""
    if question.workload.need is Need.STANDARD:
        return []
    return [_front(each, question) for each in found]


def _front(each: Runner, question: Question) -> Option:
    values = question.values
    own_ms, cold_ms = values["lambda.own-ms"], values["lambda.cold-start-ms-p99"]
    times = each.times.plus(own_ms, tail_ms=cold_ms)
    answer = each.answer.plus(own_ms, tail_ms=cold_ms)
    kind, machines = each.instance_type, each.replicas
    return priced(
        Offer(
            tier=Tier.HYBRID,
            model=each.model_id,
            name=f"{kind}/{each.precision}/function",
            size=Size(instance_type=kind, instances=machines, max_instances=machines + 1),
            drafts=[
                cost.by_the_hour(
                    label=kind,
                    sku=skus.instance(instance_type=kind),
                    count=machines,
                    most=machines + 1,
                ),
                *functions.function_drafts(answer, question),
            ],
            assumptions=(
                cost.FIXED_ASSUMPTION,
                f"A function of {values['lambda.memory-mb']:g} MB takes each request and waits "
                "for the endpoint.",
                *((each.note,) if each.note else ()),
            ),
            latency=runner.shown(
                each,
                times,
                start_s=values["lambda.cold-start-ms-p50"] / 1000,
                more=f"Plus {own_ms:g} ms of the function; p99 includes its cold start.",
            ),
            capacity=runner.capacity(each, machines, question),
            checks=_front_checks(each, times, answer, question),
            summary=f"A function in front of {each.on} on {count(machines)} x {kind}",
            burden=5,
            extra=runner.sizing(each, question),
        ),
        question,
    )


def _front_checks(
    each: Runner, times: Times, answer: Times, question: Question
) -> tuple[Check, ...]:
    workload, values, machines = question.workload, question.values, each.replicas
    return (
        *each.fits,
        checks.latency(times, workload),
        checks.headroom(runner.capacity(each, machines, question).headroom),
        checks.payload(workload, values["lambda.payload-mb"]),
        checks.time_limit(answer, values["sagemaker.timeout-s"]),
        checks.quota(
            name="lambda-concurrency",
            what="functions running at once at peak",
            needed=functions.functions_at_once(answer, question),
            question=question,
        ),
        gpu.endpoint_quota(each.instance_type, machines + 1, question),
        *functions.function_forbids(question),
    )
