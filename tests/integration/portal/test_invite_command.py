"""`manage.py invite`: how an installation without the example gets its first person."""

from __future__ import annotations

from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.access import Permission
from portal.models import User
from portal.queries.people import actor_of_user

pytestmark = pytest.mark.django_db


def invited(*words: str) -> str:
    said = StringIO()
    call_command("invite", *words, stdout=said)
    return said.getvalue().strip()


def test_the_first_person_may_manage_the_organisation_and_the_link_opens_the_account() -> None:
    url = invited("ada@example.com", "Ada Lovelace")
    actor = actor_of_user(User.objects.get(email="ada@example.com"))
    assert actor.may(Permission.MANAGE_ORGANISATION)
    page = Client().get(urlsplit(url).path, follow=True)
    assert page.status_code == 200
    assert 'type="password"' in page.content.decode()


def test_a_controller_may_set_budgets_and_nothing_else_of_the_organisation() -> None:
    invited("femke@example.com", "Femke", "--role", "finance")
    actor = actor_of_user(User.objects.get(email="femke@example.com"))
    assert actor.may(Permission.SET_BUDGET)
    assert not actor.may(Permission.MANAGE_ORGANISATION)


def test_what_is_no_address_is_refused_in_words() -> None:
    with pytest.raises(CommandError, match="no e-mail address"):
        invited("ada", "Ada Lovelace")
    assert not User.objects.exists()
