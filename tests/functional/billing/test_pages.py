"""The pages of the books: who sees what, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.domain import tiers
from billing.domain.usage import Usage, hour_of
from billing.models import Budget, Charge, PriceRow
from billing.usecases.budgets import set_budget
from billing.usecases.metering import record_usage
from billing.usecases.prices import enter_quote
from billing.usecases.reservations import reserve
from cascade.domain.booking import TIER
from deployments.domain.options import TIER_NAMES
from portal.access import SYSTEM
from portal.models import Feature, Membership, Team, User
from tests.functional.billing.conftest import MONTH, rows_of

SignIn = Callable[[User], Client]
Tell = Callable[..., None]
PAGES = ("", "by/team/", "ledger/", "prices/", "budgets/", "refused/")
# Session, person, memberships, teams of the frame, the total, the rows.
BY_QUERIES = 6
UNPRICED = "bedrock-pt:amazon.nova-pro-v1:0:one-month:unit-second"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_books_opens_with_nothing_in_them(
    signed_in: SignIn, controller: User, page: str
) -> None:
    assert signed_in(controller).get(f"/spend/{page}").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_sent_to_sign_in(client: Client, db: None, page: str) -> None:
    assert client.get(f"/spend/{page}").status_code == 302


def test_finance_sees_every_team_and_a_lead_only_their_own(
    signed_in: SignIn,
    controller: User,
    lead: User,
    feature: Feature,
    moderation: Feature,
    told: Tell,
) -> None:
    told(feature)
    told(moderation)
    everything = signed_in(controller).get(f"/spend/?month={MONTH}").content.decode()
    own = signed_in(lead).get(f"/spend/?month={MONTH}").content.decode()
    assert "Moderation" in everything
    assert "Chatbot" in everything
    assert "Chatbot" in own
    assert "Moderation" not in own
    ledger = signed_in(lead).get(f"/spend/ledger/?month={MONTH}&format=csv")
    assert {row["feature"] for row in rows_of(ledger)} == {"chatbot"}


def test_the_filters_of_the_ledger_and_its_csv_are_the_same(
    signed_in: SignIn,
    controller: User,
    feature: Feature,
    moderation: Feature,
    told: Tell,
    noon: datetime,
) -> None:
    told(feature)
    told(moderation, quantity=Decimal(5))
    told(moderation, deployment="moderation-staging")
    told(feature, sku=UNPRICED, unit="second", deployment="chatbot-units")
    enter_quote(
        actor=SYSTEM,
        region="us-east-1",
        sku=UNPRICED,
        usd=Decimal("39.60"),
        source="Quote 4711",
        as_of=date(2026, 11, 2),
        now=noon,
    )
    client = signed_in(controller)
    for query, count in (
        ("feature=moderation", 2),
        ("team=chat", 3),
        ("deployment=moderation-staging", 1),
        ("day=2026-11-20", 5),
        ("day=2026-11-19", 0),
        ("kind=correction", 1),
        ("kind=usage", 4),
        ("kind=usage&team=chat", 2),
        (f"kind=correction&sku={UNPRICED}", 1),
        ("sku=lambda:requests", 0),
    ):
        address = f"/spend/ledger/?month={MONTH}&{query}"
        rows = rows_of(client.get(f"{address}&format=csv"))
        assert len(rows) == count, query
        page = client.get(address)
        total = sum((Decimal(row["usd"]) for row in rows), Decimal(0))
        assert page.context["total_usd"] == total, query


def test_the_ledger_is_paged_and_every_charge_is_on_one_page(
    signed_in: SignIn, controller: User, feature: Feature, told: Tell
) -> None:
    for _ in range(55):
        told(feature)
    client, query, seen = signed_in(controller), f"?month={MONTH}", []
    while query:
        page = client.get(f"/spend/ledger/{query}").context["page"]
        seen += [charge.pk for charge in page.rows]
        query = page.next_url
    assert len(seen) == len(set(seen)) == 55


@pytest.mark.parametrize(
    "query", ["month=2026-13", "month=x", "day=yesterday", "kind=gift", "month=9999-01"]
)
def test_a_question_that_makes_no_sense_is_answered_with_a_sentence(
    signed_in: SignIn, controller: User, query: str
) -> None:
    reply = signed_in(controller).get(f"/spend/ledger/?{query}")
    assert reply.status_code == 422


def test_a_formula_in_a_name_is_text_in_the_csv(
    signed_in: SignIn, controller: User, feature: Feature, told: Tell
) -> None:
    told(feature, model="=HYPERLINK(1)")
    (row,) = rows_of(signed_in(controller).get(f"/spend/ledger/?month={MONTH}&format=csv"))
    assert row["model"] == "'=HYPERLINK(1)"


def test_finance_sets_a_budget_and_the_line_on_every_page_shows_it(
    signed_in: SignIn, controller: User, lead: User
) -> None:
    client = signed_in(controller)
    assert "No budget is set" in client.get("/spend/budget-line/").content.decode()
    reply = client.post("/spend/budgets/", {"team": "*", "monthly_usd": "200000.00"}, follow=True)
    assert "The budget of the organisation is 200,000.00 USD a month." in reply.content.decode()
    assert "200K" in signed_in(lead).get("/spend/budget-line/").content.decode()


@pytest.mark.parametrize("typed", ["-1", "abc", "", "1e40", "0.001"])
def test_a_budget_typed_wrongly_is_kept_and_explained(
    signed_in: SignIn, controller: User, typed: str
) -> None:
    reply = signed_in(controller).post("/spend/budgets/", {"team": "*", "monthly_usd": typed})
    assert reply.status_code == 422
    assert not Budget.objects.exists()


def test_a_lead_can_neither_set_a_budget_nor_a_price(signed_in: SignIn, lead: User) -> None:
    client = signed_in(lead)
    assert client.post("/spend/budgets/", {"team": "*", "monthly_usd": "1"}).status_code == 403
    quote = {"sku": UNPRICED, "usd": "1", "source": "x", "as_of": "2026-11-01"}
    assert client.post("/spend/prices/", quote).status_code == 403
    assert "Set a budget" not in client.get("/spend/budgets/").content.decode()
    assert "Enter a quote" not in client.get("/spend/prices/").content.decode()


def test_a_price_is_shown_with_every_digit(signed_in: SignIn, controller: User, told: Tell) -> None:
    page = signed_in(controller).get("/spend/prices/?search=nova-lite-v1:0:us:cache-read")
    assert "0.015 USD" in page.content.decode()


def test_usage_without_a_price_is_on_the_page_until_a_quote_is_entered(
    signed_in: SignIn, controller: User, feature: Feature, told: Tell
) -> None:
    told(feature, sku=UNPRICED, unit="second", quantity=Decimal(3600))
    client = signed_in(controller)
    assert UNPRICED in client.get(f"/spend/?month={MONTH}").content.decode()
    quote = {
        "sku": UNPRICED,
        "usd": "39.60",
        "source": "Quote 4711",
        "as_of": "2026-11-02",
        "is_example": "on",
    }
    reply = client.post("/spend/prices/", quote, follow=True)
    assert reply.status_code == 200
    page = client.get(f"/spend/?month={MONTH}").content.decode()
    assert UNPRICED not in page
    assert "39.60" in page
    assert PriceRow.objects.get(sku=UNPRICED).is_example
    assert "example" in client.get("/spend/prices/?kind=quote").content.decode()
    assert Charge.objects.filter(kind="correction").count() == 1


@pytest.mark.parametrize(
    "change",
    [{"usd": "0"}, {"usd": "x"}, {"sku": "<script>"}, {"as_of": "2999-01-01"}, {"source": ""}],
)
def test_a_quote_typed_wrongly_is_kept_and_explained(
    signed_in: SignIn, controller: User, change: dict[str, str]
) -> None:
    quote = {"sku": UNPRICED, "usd": "1", "source": "typed", "as_of": "2026-11-02"}
    reply = signed_in(controller).post("/spend/prices/", quote | change)
    assert reply.status_code == 422
    assert "<script>" not in reply.content.decode().split("<main")[1].split("</main>")[0]
    assert not PriceRow.objects.exists()


def test_refused_usage_is_counted_on_the_page_and_shown_with_its_reason(
    signed_in: SignIn, controller: User, stranger: User, feature: Feature, told: Tell
) -> None:
    told(feature)
    told(feature, uid="event-1", quantity=Decimal(9))
    client = signed_in(controller)
    assert "could not be booked" in client.get(f"/spend/?month={MONTH}").content.decode()
    assert "another payload" in client.get("/spend/refused/").content.decode()
    assert "another payload" not in signed_in(stranger).get("/spend/refused/").content.decode()


def spend_now(feature: Feature, *, quantity: int = 1_000_000_000) -> None:
    """Use tokens in the present hour, and hold money for it, so that this month has figures."""
    now = timezone.now()
    used = Usage(
        uid="now",
        feature_id=feature.pk,
        deployment="chatbot-production",
        environment="production",
        tier="lambda-bedrock",
        model="m",
        resource="r",
        sku="lambda:requests",
        quantity=Decimal(quantity),
        unit="request",
        started_at=hour_of(now),
        ended_at=max(now, hour_of(now) + timedelta(microseconds=1)),
    )
    record_usage(usage=[used], read_to={"meter": now}, now=now)
    set_budget(actor=SYSTEM, team=None, monthly_usd=Decimal(1000), now=now)
    reserve(feature=feature, deployment="chatbot-production", monthly_usd=Decimal(730), now=now)


def test_the_tab_of_a_feature_shows_each_deployment_and_its_unit_cost(
    signed_in: SignIn, lead: User, stranger: User, feature: Feature, told: Tell
) -> None:
    spend_now(feature)
    page = signed_in(lead).get("/features/chatbot/spend/").content.decode()
    assert "chatbot-production" in page
    assert "Lambda requests" in page
    assert "for 1,000 requests" in page
    assert signed_in(stranger).get("/features/chatbot/spend/").status_code == 404
    assert signed_in(stranger).get("/spend/cards/features/chatbot/").status_code == 404


def test_the_cards_show_the_month_so_far(
    signed_in: SignIn, lead: User, feature: Feature, told: Tell
) -> None:
    spend_now(feature)
    client = signed_in(lead)
    card = client.get("/spend/cards/features/chatbot/").content.decode()
    home = client.get("/spend/cards/home/").content.decode()
    assert "200.00" in card
    assert "730.00" in card
    assert "Chatbot" in home
    assert "1.00K" in client.get("/spend/budget-line/").content.decode()


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("/spend/?month=2026-10", 10),
        ("/spend/", 14),
        (f"/spend/ledger/?month={MONTH}", 6),
        ("/spend/prices/", 5),
        ("/spend/budgets/", 12),
        ("/spend/budget-line/", 8),
        ("/spend/cards/home/", 13),
        ("/features/chatbot/spend/", 8),
    ],
)
def test_a_page_asks_as_often_for_many_features_as_for_few(
    signed_in: SignIn,
    controller: User,
    feature: Feature,
    told: Tell,
    noon: datetime,
    address: str,
    most: int,
) -> None:
    spend_now(feature)
    client = signed_in(controller)
    client.get(address)
    for number in range(6):
        team = Team.objects.create(slug=f"t-{number}", name=f"Team {number}", created_at=noon)
        Membership.objects.create(user=controller, team=team, role="lead", created_at=noon)
        told(Feature.objects.create(team=team, slug=f"f-{number}", name="F", created_at=noon))
        set_budget(actor=SYSTEM, team=team, monthly_usd=Decimal(5), now=noon)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    assert len(captured) <= most, [query["sql"][:120] for query in captured]


def test_a_long_month_is_paged_in_so_many_queries_and_its_csv_is_whole(
    signed_in: SignIn, controller: User, chat_team: Team, told: Tell, noon: datetime
) -> None:
    for number in range(55):
        one = Feature.objects.create(
            team=chat_team, slug=f"feature-{number}", name=f"Feature {number}", created_at=noon
        )
        told(one, quantity=Decimal(1_000_000 * (number % 5 + 1)))
    client, query, seen, asked = signed_in(controller), f"?month={MONTH}", [], []
    client.get("/spend/by/feature/")
    while query:
        with CaptureQueriesContext(connection) as queries:
            reply = client.get(f"/spend/by/feature/{query}")
        asked.append(len(queries))
        seen += [(one.key, one.usd) for one in reply.context["slices"]]
        query = reply.context["page"].next_url
    rows = rows_of(client.get(f"/spend/by/feature/?month={MONTH}&format=csv"))

    assert len(asked) == 2
    assert set(asked) == {BY_QUERIES}
    assert seen == [(row["key"], Decimal(row["usd"])) for row in rows]
    assert len(seen) == 55
    assert reply.context["total_usd"] == sum(usd for _, usd in seen)


def test_pages_say_a_tier_by_its_name_and_files_keep_its_key(
    signed_in: SignIn, controller: User, feature: Feature, told: Tell
) -> None:
    told(feature, tier="sagemaker-real-time")
    client = signed_in(controller)
    for page in ("", "by/tier/", "ledger/"):
        shown = client.get(f"/spend/{page}?month={MONTH}").content.decode()
        assert "SageMaker real-time endpoint" in shown, page
        assert "sagemaker-real-time" not in shown, page
    (row,) = rows_of(client.get(f"/spend/by/tier/?month={MONTH}&format=csv"))
    assert (row["key"], row["name"]) == ("sagemaker-real-time", "SageMaker real-time endpoint")


def test_the_books_call_tiers_what_launches_call_them() -> None:
    assert {str(tier): name for tier, name in TIER_NAMES.items()} | {TIER: "Cascade"} == dict(
        tiers.NAMES
    )


def test_another_team_is_chosen_without_losing_the_question(
    signed_in: SignIn, lead: User, feature: Feature, told: Tell
) -> None:
    told(feature)
    shown = signed_in(lead).get(f"/spend/by/tier/?month={MONTH}&cursor=x").content.decode()
    assert f'href="?month={MONTH}&amp;team=chat"' in shown
