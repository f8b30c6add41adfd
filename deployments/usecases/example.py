"""Set up an example organisation: teams, people, features with workloads, a budget, prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from billing.domain import skus
from billing.queries.budgets import budget_in_force
from billing.queries.prices import price_book
from billing.usecases import budgets, prices
from deployments.adapters import scenarios
from deployments.models import WorkloadRow
from deployments.usecases import workloads
from portal.access import SYSTEM, Role
from portal.errors import NotFound
from portal.models import Feature, Membership, Organisation, Team, User
from portal.usecases import features, teams

# No Provisioned Throughput price is public (facts of 2026-11): this figure is invented so that the
# tier can be walked through, and every page marks it as an example.
EXAMPLE_QUOTE_USD_PER_UNIT_HOUR = Decimal("18.40")
EXAMPLE_QUOTE_SOURCE = "Example figure, not from AWS: replace it with your account team's quote"
EXAMPLE_QUOTE_TERM = "one-month"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the example; `teams` empty means the role holds everywhere."""

    email: str
    first_name: str
    last_name: str
    role: Role
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """An example person's sign-in."""

    email: str
    role: str
    team: str


def people(scenario: Mapping[str, Any]) -> tuple[Person, ...]:
    """Return the people: a lead of every team first, then one of each role."""
    slugs = tuple(team["slug"] for team in scenario["teams"])
    domain = f"{scenario['key']}.example"
    return (
        Person(f"lead@{domain}", "Lena", "Okafor", Role.LEAD, slugs),
        Person(f"member@{domain}", "Milo", "Castell", Role.MEMBER, (slugs[-2],)),
        Person(f"platform@{domain}", "Priya", "Nair", Role.PLATFORM),
        Person(f"finance@{domain}", "Femke", "de Wit", Role.FINANCE),
        Person(f"other-lead@{domain}", "Otto", "Lindqvist", Role.LEAD, (slugs[0],)),
    )


def install(*, key: str, password: str, now: datetime) -> tuple[Account, ...]:
    """Create what of the scenario is not there yet; run again, it changes nothing.

    Raises NotFound for an unknown scenario.
    """
    if key not in set(scenarios.names()):
        raise NotFound(f"There is no scenario {key!r}; there is {', '.join(scenarios.names())}.")
    scenario = scenarios.scenario(key)
    Organisation.objects.get_or_create(
        is_only=True, defaults={"name": scenario["name"], "slug": key, "created_at": now}
    )
    prices.load_list(now=now)
    for team in scenario["teams"]:
        if not Team.objects.filter(slug=team["slug"]).exists():
            teams.create_team(actor=SYSTEM, **team, now=now)
    accounts = tuple(_account(person, password, now) for person in people(scenario))
    _set_budgets(scenario, now)
    for feature in scenario["features"]:
        _install_feature(feature, now)
    _quote(now)
    return accounts


@transaction.atomic(durable=True)
def _account(person: Person, password: str, now: datetime) -> Account:
    user, is_new = User.objects.get_or_create(
        email=person.email,
        defaults={
            "username": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
        },
    )
    if is_new:
        user.set_password(password)
        user.save(update_fields=["password"])
    if person.teams:
        for team in Team.objects.filter(slug__in=person.teams):
            Membership.objects.get_or_create(
                user=user, team=team, defaults={"role": person.role, "created_at": now}
            )
    else:
        Membership.objects.get_or_create(
            user=user, team=None, role=person.role, defaults={"created_at": now}
        )
    return Account(
        email=person.email,
        role=person.role.value if not person.email.startswith("other-") else "other-lead",
        team=", ".join(person.teams) or "everywhere",
    )


def _set_budgets(scenario: Mapping[str, Any], now: datetime) -> None:
    if budget_in_force(team=None) is None:
        total = Decimal(scenario["budget_usd_a_month"])
        budgets.set_budget(actor=SYSTEM, team=None, monthly_usd=total, now=now)


def _install_feature(given: Mapping[str, Any], now: datetime) -> None:
    feature = Feature.objects.filter(slug=given["slug"]).first()
    if feature is None:
        feature = features.register(
            actor=SYSTEM,
            team=Team.objects.get(slug=given["team"]),
            **{
                name: given[name]
                for name in ("slug", "name", "description", "cost_centre", "data_class")
            },
            now=now,
        )
    if not WorkloadRow.objects.filter(feature=feature).exists():
        workload = workloads.read(given=given["workload"])
        workloads.describe(actor=SYSTEM, feature=feature, workload=workload, now=now)


def _quote(now: datetime) -> None:
    """Enter one example price for model units, so that the tier can be seen with figures."""
    sku = skus.provisioned_unit(model="amazon.nova-micro-v1:0", term=EXAMPLE_QUOTE_TERM)
    if price_book(region=settings.AWS_REGION, now=now).find(sku) is None:
        prices.enter_quote(
            actor=SYSTEM,
            region=settings.AWS_REGION,
            sku=sku,
            usd=EXAMPLE_QUOTE_USD_PER_UNIT_HOUR,
            source=EXAMPLE_QUOTE_SOURCE,
            as_of=now.date(),
            is_example=True,
            now=now,
        )
