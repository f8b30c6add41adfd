"""The example organisation: everything a newcomer needs, nothing launched, the same every time."""

import pytest

from billing.models import Budget, PriceRow
from deployments.models import Deployment, WorkloadRow
from deployments.usecases import example
from portal.errors import NotFound
from portal.models import Feature, Membership, Organisation, Team, User

pytestmark = pytest.mark.django_db(transaction=True)


def counts():
    return [
        each.objects.count()
        for each in (Organisation, Team, User, Membership, Feature, WorkloadRow, Budget, PriceRow)
    ]


def test_content_ai_is_ready_for_its_first_launch(noon):
    accounts = example.install(key="content-ai", password="a long password", now=noon)

    assert counts()[:6] == [1, 4, 5, 8, 5, 5]
    assert {account.role for account in accounts} >= {"lead", "member", "platform", "finance"}
    assert User.objects.get(email="lead@content-ai.example").check_password("a long password")
    assert Budget.objects.get(team=None).monthly_usd == 200_000
    assert not Deployment.objects.exists()
    quote = PriceRow.objects.get(kind="quote")
    assert quote.is_example
    assert "not from AWS" in quote.source


def test_seeding_again_changes_nothing(noon):
    example.install(key="content-ai", password="a long password", now=noon)
    before = counts()
    example.install(key="content-ai", password="another password", now=noon)
    assert counts() == before
    assert User.objects.get(email="lead@content-ai.example").check_password("a long password")


def test_an_unknown_scenario_is_refused_by_name(noon):
    with pytest.raises(NotFound, match="content-ai"):
        example.install(key="content-bi", password="a long password", now=noon)
