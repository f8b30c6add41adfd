"""Ask for a probe: what it would cost at most first, then the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction

from billing.domain.budgets import Consent
from billing.domain.money import in_words
from billing.queries.budgets import consent
from billing.usecases import reservations
from deployments.domain.probing import FEWEST_INPUT_TOKENS, Tariff, most_input
from deployments.models import Probe
from deployments.queries import probes as queries
from portal import aws
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid
from portal.models import Feature
from portal.usecases import audit

MOST_REQUESTS = 500
MOST_INPUT_TOKENS = 20_000
MOST_OUTPUT_TOKENS = 2_000
MOST_USD = Decimal(25)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants probed; `most_usd` None takes what it can cost at most."""

    model: str
    route: str
    requests: int = 40
    input_tokens: int = 300
    output_tokens: int = 100
    most_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a probe would send and the most it can cost, request by request and in all."""

    way: queries.Way
    wish: Wish
    tariff: Tariff
    each_usd: Decimal
    needed_usd: Decimal
    most_usd: Decimal
    consent: Consent

    @property
    def fits(self) -> int:
        """Return how many requests the cap is sure to carry."""
        return min(self.wish.requests, int(self.most_usd / self.each_usd))

    @property
    def most_input_tokens(self) -> int:
        """Return the most input tokens a request can count."""
        return most_input(self.wish.input_tokens)


def deployment_name(pk: int | str) -> str:
    """Return the name under which a probe stands in the books: no deployment can have it."""
    return f"probe:{pk}"


def plan(*, actor: Actor, feature: Feature, wish: Wish, now: datetime) -> Plan:
    """Return what a probe would cost, and touch nothing.

    Raises NotFound to strangers, Invalid for a figure out of range or a model that cannot be
    called here, Conflict when its price is not known.
    """
    require(actor, Permission.SEE, team_id=feature.team_id)
    way = _way(wish, today=now.date())
    _check(wish, way)
    tariff = queries.tariff(model=wish.model, route=wish.route, now=now)
    if tariff is None:
        raise Conflict(
            f"There is no price for the tokens of {way.words} in {settings.AWS_REGION}: nothing "
            "is sent whose cost is not known. An administrator enters one."
        )
    each = tariff.most_usd(input_tokens=wish.input_tokens, output_tokens=wish.output_tokens)
    needed = each * wish.requests
    most = needed if wish.most_usd is None else min(wish.most_usd, needed)
    _check_cap(each=each, most=most)
    return Plan(
        way=way,
        wish=wish,
        tariff=tariff,
        each_usd=each,
        needed_usd=needed,
        most_usd=most,
        consent=consent(
            feature=feature, deployment=deployment_name("new"), monthly_usd=most, now=now
        ),
    )


def _way(wish: Wish, *, today: date) -> queries.Way:
    found = {(way.model.model_id, way.route.route): way for way in queries.ways()}
    way = found.get((wish.model, wish.route))
    if way is None:
        known = sorted(f"{model} by {route}" for model, route in found if model == wish.model)
        sentence = f"Known is {', '.join(known)}." if known else "The catalogue does not know it."
        raise Invalid(
            f"{wish.model[:80]!r} cannot be called by {wish.route[:20]!r} in "
            f"{settings.AWS_REGION}.",
            fields={"model": sentence},
        )
    if way.model.eol_on is not None and way.model.eol_on <= today:
        raise Invalid(
            f"{way.model.name} reached its end of life on {way.model.eol_on:%Y-%m-%d}.",
            fields={"model": "It answers nobody any more; probe what is to replace it."},
        )
    return way


def _check(wish: Wish, way: queries.Way) -> None:
    longest_in = min(MOST_INPUT_TOKENS, way.model.long_prompt_tokens or MOST_INPUT_TOKENS)
    longest_out = min(MOST_OUTPUT_TOKENS, way.model.max_output_tokens)
    fields = {}
    if not 1 <= wish.requests <= MOST_REQUESTS:
        fields["requests"] = f"A probe sends between 1 and {MOST_REQUESTS} requests."
    is_short = wish.input_tokens < FEWEST_INPUT_TOKENS
    if is_short or most_input(wish.input_tokens) > longest_in:
        fields["input_tokens"] = (
            f"A prompt has {FEWEST_INPUT_TOKENS} tokens or more, and counted at its most "
            f"({most_input(wish.input_tokens):,}) no more than {longest_in:,}."
        )
    if not 2 <= wish.output_tokens <= longest_out:
        fields["output_tokens"] = f"An answer has between 2 and {longest_out:,} tokens."
    if fields:
        raise Invalid("The probe cannot be sent like this.", fields=fields)


def _check_cap(*, each: Decimal, most: Decimal) -> None:
    sentence = ""
    if not each <= most:
        sentence = f"One request can cost {in_words(each)}; a cap below that sends nothing."
    elif most > MOST_USD:
        sentence = (
            f"This can cost {in_words(most)}; a probe is small, at most {in_words(MOST_USD)}. "
            "Send fewer or shorter requests, or set a lower cap."
        )
    if sentence:
        raise Invalid("The probe cannot be sent like this.", fields={"most_usd": sentence})


@transaction.atomic(durable=True)
def start(*, actor: Actor, feature: Feature, wish: Wish, now: datetime) -> Probe:
    """Ask for a run that is charged to `feature`; a worker sends it. Its cap is held at once.

    Raises what `plan` raises, NotAllowed, Conflict while one of the same model and route runs for
    the team, OverBudget with all figures.
    """
    require(actor, Permission.LAUNCH, team_id=feature.team_id)
    found = plan(actor=actor, feature=feature, wish=wish, now=now)
    try:
        with transaction.atomic():
            probe = _row(actor, feature, found, now)
    except IntegrityError as reason:
        raise Conflict(
            f"A probe of {found.way.words} runs already for {feature.team.name}; wait for its end "
            "or stop it."
        ) from reason
    reservations.reserve(
        feature=feature,
        deployment=deployment_name(probe.pk),
        monthly_usd=found.most_usd,
        now=now,
    )
    audit.record(
        actor=actor,
        verb="probe",
        subject=f"feature:{feature.slug}",
        sentence=f"{actor.name} asked for a probe of {found.way.words}: {wish.requests} requests, "
        f"at most {in_words(found.most_usd)}, charged to {feature.name}.",
        team=feature.team,
        now=now,
    )
    return probe


def _row(actor: Actor, feature: Feature, found: Plan, now: datetime) -> Probe:
    return Probe.objects.create(
        team_id=feature.team_id,
        feature=feature,
        model=found.wish.model,
        route=found.wish.route,
        region=settings.AWS_REGION,
        input_tokens=found.wish.input_tokens,
        output_tokens=found.wish.output_tokens,
        requests=found.wish.requests,
        most_usd=found.most_usd,
        is_sandbox=aws.is_sandbox(),
        created_at=now,
        created_by=actor.name[:200],
    )


@transaction.atomic(durable=True)
def stop(*, actor: Actor, probe: Probe, now: datetime) -> None:
    """Ask a run to stop; what was sent stays sent and paid. Raises NotAllowed or NotFound."""
    require(actor, Permission.LAUNCH, team_id=probe.team_id)
    asked = Probe.objects.filter(pk=probe.pk, ended_at=None, stop_requested=False)
    if asked.update(stop_requested=True):
        audit.record(
            actor=actor,
            verb="stop-probe",
            subject=f"feature:{probe.feature.slug}",
            sentence=f"{actor.name} stopped the probe of {probe.model} ({probe.route}).",
            team=probe.team,
            now=now,
        )
