"""Launch: see everything first, then wish for it; money is held before anything is built."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from billing.domain.budgets import Consent
from billing.domain.money import in_words
from billing.queries import budgets as billing
from billing.usecases import reservations
from deployments.domain.blueprint import blueprint
from deployments.domain.blueprint.names import LONGEST_SLUG, SLUG, default_slug
from deployments.domain.blueprint.plan import Permission as Allowed
from deployments.domain.blueprint.plan import PlannedCall, permissions, plan
from deployments.domain.lifecycle import Environment
from deployments.domain.options import LAUNCHABLE, TIER_NAMES, Check, Option
from deployments.domain.ranking import SOFT, refusals
from deployments.models import Deployment, Recommendation
from deployments.queries.advice import option_of, outdated
from deployments.usecases import wishes
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid, NotFound, Refusal
from portal.models import Feature, Team
from portal.usecases import audit


class NotLaunchable(Refusal):
    """The option breaks a constraint that the launcher has not, or cannot, accept."""

    code = "not-launchable"
    status = 409


@dataclass(frozen=True, slots=True)
class Plan:
    """What a launch would do: calls, permissions, money, and what forbids it.

    `forbidden` can never be accepted; `acceptable` are soft checks to be named in `accept`.
    """

    option: Option
    environment: Environment
    slug: str
    calls: Sequence[PlannedCall]
    permissions: Sequence[Allowed]
    consent: Consent
    monthly_usd: Decimal
    forbidden: Sequence[Check]
    acceptable: Sequence[Check]
    warnings: Sequence[str]

    @property
    def may_launch(self) -> bool:
        """Say whether a launch would go through once the soft checks are accepted."""
        return self.consent.fits and not self.forbidden


def preview(
    *,
    actor: Actor,
    feature: Feature,
    recommendation: Recommendation,
    option_id: str,
    environment: str,
    now: datetime,
    slug: str = "",
) -> Plan:
    """Return what a launch would do, and touch nothing.

    Raises NotFound to strangers and for an option the recommendation lacks, Invalid for an
    unknown environment or a short name that cannot be used.
    """
    require(actor, Permission.SEE, team_id=feature.team_id)
    option, place = _option(recommendation, feature, option_id), _environment(environment)
    slug = _slug(feature=feature, environment=place, slug=slug)
    names = wishes.names_of(feature=feature, slug=slug, environment=place, generation=1)
    is_built_here = option.tier in LAUNCHABLE
    resources = blueprint(option=option, names=names) if is_built_here else ()
    broken = refusals(option, ())
    return Plan(
        option=option,
        environment=place,
        slug=slug,
        calls=plan(resources=resources),
        permissions=permissions(resources=resources),
        consent=billing.consent(
            feature=feature, deployment=slug, monthly_usd=wishes.monthly_usd(option), now=now
        ),
        monthly_usd=wishes.monthly_usd(option),
        forbidden=tuple(check for check in broken if check.name not in SOFT),
        acceptable=tuple(check for check in broken if check.name in SOFT),
        warnings=outdated(recommendation, now=now),
    )


@transaction.atomic(durable=True)
def launch(
    *,
    actor: Actor,
    feature: Feature,
    recommendation_id: int,
    option_id: str,
    environment: str,
    now: datetime,
    slug: str = "",
    accept: Collection[str] = (),
) -> Deployment:
    """Wish for an option in an environment and hold its money; the reconciler builds it.

    The same launch again (same short name, recommendation and option) returns what is there.
    Raises NotFound, NotAllowed, Invalid, NotLaunchable for a check that is not accepted, OverBudget
    with all figures, Conflict when the environment is taken.
    """
    require(actor, Permission.LAUNCH, team_id=feature.team_id)
    # One launch of a team at a time: the second sees what the first has made.
    Team.objects.select_for_update().get(pk=feature.team_id)
    recommendation = _recommendation(feature, recommendation_id)
    option, place = _option(recommendation, feature, option_id), _environment(environment)
    existing = _existing(feature, place, slug)
    if existing is not None:
        return _same_or_refused(existing, recommendation, option, place, slug)
    slug = _slug(feature=feature, environment=place, slug=slug)
    _check_option(option, accept)
    deployment = _wish(actor, feature, slug, place, now)
    reservations.reserve(
        feature=feature, deployment=slug, monthly_usd=wishes.monthly_usd(option), now=now
    )
    generation = wishes.add_generation(
        deployment=deployment, option=option, recommendation=recommendation, actor=actor, now=now
    )
    wishes.add_resources(generation=generation, option=option, now=now)
    deployment.current = generation
    deployment.save(update_fields=["current"])
    _record(actor, deployment, option, accept, now)
    return deployment


def _recommendation(feature: Feature, recommendation_id: int) -> Recommendation:
    found = Recommendation.objects.filter(pk=recommendation_id, feature=feature).first()
    if found is None:
        raise NotFound(f"{feature.name} has no recommendation {recommendation_id}.")
    return found


def _option(recommendation: Recommendation, feature: Feature, option_id: str) -> Option:
    if recommendation.feature_id != feature.pk:
        raise NotFound(f"{feature.name} has no recommendation {recommendation.pk}.")
    return option_of(recommendation, option_id)


def _environment(environment: str) -> Environment:
    try:
        return Environment(environment)
    except ValueError:
        sentence = f"Choose one of {', '.join(each.value for each in Environment)}."
        raise Invalid("There is no such environment.", fields={"environment": sentence}) from None


def _slug(*, feature: Feature, environment: Environment, slug: str) -> str:
    if not slug:
        taken = Deployment.objects.filter(slug__startswith=feature.slug[:10])
        return default_slug(
            feature=feature.slug,
            environment=environment,
            taken=frozenset(taken.values_list("slug", flat=True)),
        )
    if len(slug) > LONGEST_SLUG or not SLUG.fullmatch(slug):
        sentence = (
            f"A short name has at most {LONGEST_SLUG} characters: lower-case letters, digits and "
            "single hyphens, beginning with a letter."
        )
        raise Invalid("The short name cannot be used.", fields={"slug": sentence})
    return slug


def _existing(feature: Feature, environment: Environment, slug: str) -> Deployment | None:
    """Return what already has the name, or already serves in the environment."""
    if slug and (named := Deployment.objects.filter(slug=slug).first()):
        return named
    return Deployment.objects.filter(
        feature=feature, environment=environment, is_wanted=True
    ).first()


def _same_or_refused(
    existing: Deployment,
    recommendation: Recommendation,
    option: Option,
    environment: Environment,
    slug: str,
) -> Deployment:
    if existing.feature_id != recommendation.feature_id or not existing.is_wanted:
        sentence = f"The short name {existing.slug} was used before; choose another."
        raise Conflict(sentence, fields={"slug": sentence})
    newest = existing.generations.order_by("-number").first()
    is_same = (
        newest is not None
        and newest.recommendation_id == recommendation.pk
        and newest.option["option_id"] == option.option_id
        and existing.environment == environment
        and slug in ("", existing.slug)
    )
    if is_same:
        return existing
    raise Conflict(
        f"{existing.slug} already serves in {existing.environment}: change or retire it, or choose "
        "another environment."
    )


def _check_option(option: Option, accept: Collection[str]) -> None:
    unknown = set(accept) - SOFT
    if unknown:
        sentence = f"Only these checks can be accepted: {', '.join(sorted(SOFT))}."
        raise Invalid("A check that was named cannot be accepted.", fields={"accept": sentence})
    broken = refusals(option, accept)
    if broken:
        softly = ", ".join(check.name for check in broken if check.name in SOFT)
        hint = f" To launch all the same, accept: {softly}." if softly else ""
        sentences = " ".join(check.sentence for check in broken)
        raise NotLaunchable(f"This option cannot be launched as it is. {sentences}{hint}")


def _wish(
    actor: Actor, feature: Feature, slug: str, environment: Environment, now: datetime
) -> Deployment:
    try:
        with transaction.atomic():
            return Deployment.objects.create(
                feature=feature,
                slug=slug,
                environment=environment.value,
                created_at=now,
                created_by_id=actor.user_id,
            )
    except IntegrityError:
        raise Conflict(
            f"Somebody has just launched {feature.name} in {environment}; look again."
        ) from None


def _record(
    actor: Actor, deployment: Deployment, option: Option, accept: Collection[str], now: datetime
) -> None:
    accepted = f", accepting {' and '.join(sorted(accept))}" if accept else ""
    sentence = (
        f"{actor.name} launched {deployment.slug}: {TIER_NAMES[option.tier]}, {option.summary}, "
        f"{in_words(wishes.monthly_usd(option))} a month expected{accepted}."
    )
    wishes.tell(
        deployment=deployment,
        generation=deployment.current,
        kind="launched",
        meaning=sentence,
        now=now,
    )
    audit.record(
        actor=actor,
        verb="launch",
        subject=f"deployment:{deployment.slug}",
        sentence=sentence,
        team=deployment.feature.team,
        detail={
            "feature": deployment.feature.slug,
            **wishes.audited(option),
            "accept": sorted(accept),
        },
        now=now,
    )
