"""What a replay or a calibration is asked to look at: which policy, which trials, which prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from cascade.domain.digests import canonical, digest_of
from cascade.domain.policy import Policy
from cascade.domain.prices import PriceTable, Tariff, pico_a_million, plain_usd
from cascade.domain.reading import read
from cascade.models import Cascade, Draft, PolicyVersion, Upload
from cascade.queries.cascades import standing_of
from cascade.queries.tariffs import price_table
from portal.errors import Conflict, Invalid

MOST_DAYS = 90
MILLION = Decimal(1_000_000)
MOST_USD = Decimal(100_000)


@dataclass(frozen=True, slots=True)
class Over:
    """Which trials: those logged in the last `days`, or those of an upload.

    `policy` is a published number, 0 the draft (or what is live when there is none). `prices`
    replaces tariffs: USD for a million input and output tokens by model. `budget_share` is how much
    of the month's budget counts as spent.
    """

    days: int = 7
    upload: int | None = None
    policy: int = 0
    prices: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    budget_share: float = 0.0


def as_json(over: Over) -> dict[str, Any]:
    """Return what was asked as JSON values."""
    return {
        "days": over.days,
        "upload": over.upload,
        "policy": over.policy,
        "prices": {model: list(each) for model, each in over.prices.items()},
        "budget_share": over.budget_share,
    }


def from_json(body: Mapping[str, Any]) -> Over:
    """Return what `as_json` wrote."""
    return Over(
        days=body["days"],
        upload=body["upload"],
        policy=body["policy"],
        prices={model: (each[0], each[1]) for model, each in body["prices"].items()},
        budget_share=body["budget_share"],
    )


def checked(*, cascade: Cascade, over: Over) -> Over:
    """Return what was asked. Raises Invalid with a sentence for each thing that cannot be."""
    fields = {}
    if not 1 <= over.days <= MOST_DAYS:
        fields["days"] = f"Look back 1 to {MOST_DAYS} days."
    if not 0 <= over.budget_share <= 1:
        fields["budget_share"] = "A share lies between 0 and 1."
    known = Upload.objects.filter(cascade=cascade, pk=over.upload or 0)
    if over.upload is not None and not known.exists():
        fields["upload"] = f"{cascade.slug} has no upload {over.upload}."
    fields |= {
        f"prices.{model}": f"Two prices in USD for a million tokens, 0 to {MOST_USD:,}."
        for model, pair in over.prices.items()
        if _usd(pair) is None
    }
    if fields:
        raise Invalid("The trials cannot be looked at like this.", fields=fields)
    return over


def policy_asked(*, cascade: Cascade, over: Over) -> tuple[dict[str, Any], str]:
    """Return the body and digest of the policy that is asked for.

    Raises Invalid for a number that is none and for prices of models it does not call, Conflict
    when there is no policy yet.
    """
    body, digest = _policy(cascade, over.policy)
    called = models_called(read(body))
    strangers = sorted(set(over.prices) - set(called))
    if strangers:
        words = f"This policy does not call it; it calls {', '.join(called)}."
        fields = {f"prices.{model}": words for model in strangers}
        raise Invalid("The trials cannot be looked at like this.", fields=fields)
    return body, digest


def models_called(policy: Policy) -> tuple[str, ...]:
    """Return the models a policy calls, each once: stages, partners, classifier and judge."""
    targets = [stage.target for stage in policy.stages]
    targets += [stage.partner for stage in policy.stages if stage.partner]
    targets += [policy.classifier_target] if policy.classifier_target else []
    targets += [policy.judge.target] if policy.judge else []
    return tuple(dict.fromkeys(target.model for target in targets))


def _policy(cascade: Cascade, number: int) -> tuple[dict[str, Any], str]:
    """Return a published policy, or (0) the draft, or what is live."""
    if number:
        row = PolicyVersion.objects.filter(cascade=cascade, number=number).first()
        if row is None:
            raise Invalid("There is no such policy.", fields={"policy": "No policy has it."})
        return row.body, row.digest
    draft = Draft.objects.filter(cascade=cascade).first()
    if draft is not None:
        return draft.body, draft.digest
    standing = standing_of(cascade=cascade)
    if standing is None:
        raise Conflict(f"{cascade.slug} has no draft and nothing live; edit a draft first.")
    return standing.live.body, standing.live.digest


def prices_asked(*, over: Over, policy: Policy, now: datetime) -> PriceTable:
    """Return today's tariffs with those replaced that were asked otherwise."""
    table = price_table(now=now, also=models_called(policy))
    if not over.prices:
        return table
    pairs = {model: _usd(pair) for model, pair in over.prices.items()}
    wished = {
        model: _otherwise(table.find(model), *pair)
        for model, pair in pairs.items()
        if pair is not None
    }
    return replace(table, version="what-if", tariffs={**table.tariffs, **wished})


def _otherwise(today: Tariff | None, paid: int, written: int) -> Tariff:
    """Return a tariff at other prices; cached and long prompts change by as much as the input."""
    if today is None or not today.input or not today.output:
        return Tariff(input=paid, output=written, cached=paid)

    def scaled(tariff: Tariff) -> Tariff:
        return replace(
            tariff,
            input=tariff.input * paid // today.input,
            output=tariff.output * written // today.output,
            cached=tariff.cached * paid // today.input,
            long=None if tariff.long is None else scaled(tariff.long),
        )

    return scaled(today)


def prices_today(*, cascade: Cascade, now: datetime) -> dict[str, tuple[str, str]]:
    """Return USD for a million input and output tokens by model of the draft, or of what is live.

    Empty without a policy; models of deployments paid by the hour are left out.
    """
    try:
        body, _ = _policy(cascade, 0)
    except Conflict:
        return {}
    table = price_table(now=now)
    found = {model: table.find(model) for model in models_called(read(body))}
    return {
        model: (plain_usd(tariff.input), plain_usd(tariff.output))
        for model, tariff in found.items()
        if tariff is not None and not tariff.is_hourly
    }


def normal(policy: Policy) -> tuple[dict[str, Any], str]:
    """Return a policy as it is kept: its JSON and its digest."""
    return canonical(policy), digest_of(policy)


def policy_of(body: Mapping[str, Any]) -> Policy:
    """Return the policy of a kept body."""
    return read(body)


def _usd(pair: tuple[str, str]) -> tuple[int, int] | None:
    try:
        paid, written = (Decimal(str(each)) for each in pair)
    except (InvalidOperation, ValueError, TypeError):
        return None
    if not all(each.is_finite() and 0 <= each <= MOST_USD for each in (paid, written)):
        return None
    return pico_a_million(usd=paid, per=MILLION), pico_a_million(usd=written, per=MILLION)
