"""The books over REST: the same figures, the same walls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from billing.domain.usage import Usage
from billing.models import UsageEvent
from billing.usecases.metering import record_usage
from portal.access import Scope
from portal.models import Feature, User
from tests.functional.billing.conftest import MONTH, rows_of

Connect = Callable[..., APIClient]
Tell = Callable[..., None]
LISTS = ("budgets", "prices", "usage", "usage/refused", "charges", "reservations", "watermarks")
SKU = "bedrock-pt:amazon.nova-pro-v1:0:one-month:unit-second"
QUOTE = {"sku": SKU, "usd": "39.60", "source": "Quote 4711", "as_of": "2026-11-02"}


@pytest.mark.parametrize("path", LISTS)
def test_every_list_answers_with_a_page(api: Connect, controller: User, path: str) -> None:
    answer = api(controller).get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.json()
    assert answer.json() == {"results": [], "next": None, "previous": None}


@pytest.mark.parametrize("path", [*LISTS, "spend", "budgets/position"])
def test_without_a_key_there_is_nothing(client: object, db: None, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 401  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [*LISTS, "spend", "budgets/position"])
def test_a_filter_that_does_not_exist_is_refused(api: Connect, controller: User, path: str) -> None:
    answer = api(controller).get(f"/api/v1/{path}?colour=blue")
    assert answer.status_code == 422
    assert "colour" in answer.json()["fields"]


@pytest.mark.parametrize(
    "query",
    ["month=2026-13", "month=2026-11&month=2026-10", "day=x", "day=2026-10-01&month=2026-11"],
)
def test_a_filter_that_cannot_be_read_is_refused_by_name(
    api: Connect, controller: User, query: str
) -> None:
    answer = api(controller).get(f"/api/v1/charges?{query}")
    assert answer.status_code == 422
    assert answer.json()["fields"]


def test_a_stranger_finds_nothing_of_another_team(
    api: Connect, stranger: User, lead: User, feature: Feature, told: Tell
) -> None:
    told(feature)
    told(feature, uid="event-1", quantity=Decimal(1))
    for path in ("usage", "usage/refused", "charges"):
        address = f"/api/v1/{path}" + ("" if path == "usage/refused" else f"?month={MONTH}")
        assert len(api(lead).get(address).json()["results"]) == 1
        assert api(stranger).get(address).json()["results"] == []
    answer = api(stranger).get(f"/api/v1/spend?month={MONTH}").json()
    assert Decimal(answer["total_usd"]) == 0
    assert api(stranger).get("/api/v1/budgets/position?team=chat").status_code == 404
    assert api(stranger).get("/api/v1/watermarks").json()["results"] == []


def test_a_charge_names_its_price_and_every_digit(
    api: Connect, controller: User, feature: Feature, told: Tell
) -> None:
    told(feature)
    (charge,) = api(controller).get(f"/api/v1/charges?month={MONTH}").json()["results"]
    assert charge["quantity"] == "1234567.000000000"
    assert charge["usd"] == "0.074074020000"
    prices = api(controller).get("/api/v1/prices", {"sku": charge["sku"]}).json()["results"]
    assert [(price["id"], price["usd"]) for price in prices] == [
        (charge["price"], "0.060000000000")
    ]


def test_csv_is_chosen_by_accept_as_well_as_by_format(
    api: Connect, controller: User, feature: Feature, told: Tell
) -> None:
    told(feature)
    client = api(controller)
    for reply in (
        client.get(f"/api/v1/charges?month={MONTH}", HTTP_ACCEPT="text/csv"),
        client.get(f"/api/v1/charges?month={MONTH}&format=csv"),
        client.get(f"/api/v1/usage?month={MONTH}&format=csv"),
    ):
        assert len(rows_of(reply)) == 1
    wrong = client.get("/api/v1/charges?month=x&format=csv")
    assert wrong.status_code == 422
    assert wrong.json()["code"] == "invalid"


def test_a_quote_and_a_budget_are_made_once_however_often_they_are_sent(
    api: Connect, controller: User
) -> None:
    client = api(controller)
    for path, body in (
        ("prices", QUOTE),
        ("budgets", {"team": None, "monthly_usd": "200000.00"}),
    ):
        for _ in range(2):
            answer = client.post(f"/api/v1/{path}", body, HTTP_IDEMPOTENCY_KEY=f"once-{path}")
            assert answer.status_code == 201, answer.json()
        assert len(client.get(f"/api/v1/{path}").json()["results"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("prices", QUOTE | {"usd": "-1"}, "usd"),
        ("prices", QUOTE | {"usd": "NaN"}, "usd"),
        ("prices", QUOTE | {"sku": "gold"}, "sku"),
        ("prices", QUOTE | {"as_of": "2999-01-01"}, "as_of"),
        ("prices", QUOTE | {"colour": "blue"}, "colour"),
        ("budgets", {"team": None, "monthly_usd": "-5"}, "monthly_usd"),
        ("budgets", {"team": None, "monthly_usd": "1.001"}, "monthly_usd"),
        ("budgets", {"monthly_usd": "5"}, "team"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(
    api: Connect, controller: User, path: str, body: dict[str, object], field: str
) -> None:
    answer = api(controller).post(f"/api/v1/{path}", body)
    assert answer.status_code == 422
    assert field in answer.json()["fields"]


def test_a_key_for_reading_sets_nothing(api: Connect, controller: User) -> None:
    reader = api(controller, scopes=(Scope.READ,))
    assert reader.post("/api/v1/prices", QUOTE).status_code == 403
    body = {"team": None, "monthly_usd": "1"}
    assert reader.post("/api/v1/budgets", body).status_code == 403


def test_the_position_says_what_is_left_and_what_the_forecast_assumes(
    api: Connect, controller: User, lead: User, noon: datetime
) -> None:
    body = {"team": None, "monthly_usd": "200000.00"}
    assert api(controller).post("/api/v1/budgets", body).status_code == 201
    answer = api(lead).get("/api/v1/budgets/position").json()
    assert (answer["budget_usd"], answer["left_usd"]) == ("200000.00", "200000.000000000000")
    assert len(answer["forecast"]["assumptions"]) == 3


def test_more_charges_of_one_hour_than_any_page_holds_are_each_listed_once_both_ways(
    api: Connect, controller: User, feature: Feature, told: Tell, noon: datetime
) -> None:
    told(feature)
    hour = {"started_at": noon - timedelta(hours=5), "ended_at": noon - timedelta(hours=4)}
    (first,) = UsageEvent.objects.all()
    record_usage(
        usage=[
            Usage(
                uid=f"many-{number}",
                feature_id=feature.pk,
                deployment=f"d-{number}",
                environment="production",
                tier="bedrock-on-demand",
                model="",
                resource="r",
                sku=first.sku,
                quantity=Decimal(1),
                unit="token",
                **hour,
            )
            for number in range(1204)
        ],
        read_to={},
        now=noon,
    )
    client = api(controller)
    for path in ("charges", "usage"):
        pages, address = [], f"/api/v1/{path}?month={MONTH}&limit=200"
        while address:
            answer = client.get(address).json()
            pages.append(answer)
            address = answer["next"]
        names = [row["deployment"] for page in pages for row in page["results"]]
        assert len(names) == len(set(names)) == 1205
        assert names[0] == "chatbot-production"
        back = pages[-1]["previous"]
        for page in pages[-2::-1]:
            answer = client.get(back).json()
            assert answer["results"] == page["results"]
            back = answer["previous"]
        assert back is None


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=%FF", "cursor=bnxhfGI=", "limit=0", "limit=201", "limit=x", "limit=-1"],
)
def test_a_page_that_does_not_exist_is_refused(api: Connect, controller: User, query: str) -> None:
    answer = api(controller).get(f"/api/v1/charges?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["fields"]
