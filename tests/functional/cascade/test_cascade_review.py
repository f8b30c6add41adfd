"""What a reviewer wrote stays with the request it was written about."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from cascade.models import Trial, Verdict
from portal.models import User

pytestmark = pytest.mark.django_db(transaction=True)
REVIEW = "/cascades/chatbot-production-cascade/review/"


def shown(reply: Any) -> str:
    found = re.search(r'name="trial" value="([^"]+)"', reply.content.decode())
    return found[1] if found else ""


def test_a_verdict_that_is_not_kept_stays_with_its_request(
    world: dict[str, Any], signed_in: Callable[[User], Client], lead: User
) -> None:
    browsing = signed_in(lead)
    first = shown(browsing.get(REVIEW))
    row = Trial.objects.get(pk=world["trial"].pk)
    row.pk, row.uuid, row.at = None, uuid4(), row.at - timedelta(hours=1)
    row.save(force_insert=True)
    asked = str(row.uuid)
    assert first != asked

    reply = browsing.post(REVIEW, {"trial": asked, "quality": "9", "note": "It is half right."})

    assert reply.status_code == 422
    assert shown(reply) == asked
    assert "It is half right." in reply.content.decode()
    assert not Verdict.objects.filter(trial__uuid=asked, note="It is half right.").exists()
