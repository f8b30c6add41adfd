"""Capacity plans as a person in a browser meets them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.usecases import prices as price_usecases
from deployments import tasks
from deployments.forms.capacity import EXAMPLE
from deployments.models import CapacityPlan, LoadPoint
from deployments.queries import capacity as queries
from deployments.usecases import capacity as usecases
from portal.models import Feature, Team, User
from tests.functional.deployments.test_advice_pages import FORM, text

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = "\N{MULTIPLICATION SIGN}"

SMALL = EXAMPLE | {"model": "Llama-3-8B", "team": "chat", "usd_per_request": ""}


@pytest.fixture
def visitor(
    signed_in: Callable[[User], Client], member: User, db: None, eager_tasks: None
) -> Client:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    return signed_in(member)


def test_the_form_begins_with_an_example_that_can_be_sent(visitor: Client, chat_team: Team) -> None:
    page = visitor.get("/capacity/")
    form = page.context["form"]
    sent = visitor.post("/capacity/", form.initial | {"team": "chat"})

    assert "under 0.02 USD a request, 3 s at p99" in text(page)
    assert sent.status_code == 302, text(sent)
    made = CapacityPlan.objects.get()
    assert made.request["architecture"]["name"] == "Llama-3-70B"
    assert sent["Location"] == f"/capacity/{made.pk}/"


def test_a_plan_shows_memory_finalists_timeouts_and_what_it_stands_on(
    visitor: Client, chat_team: Team, feature: Feature
) -> None:
    reply = visitor.post("/capacity/", SMALL | {"feature": "chatbot"}, follow=True)

    said, html = text(reply), reply.content.decode()
    plan = queries.plan_of(CapacityPlan.objects.get())
    assert plan.pick is not None
    assert f"{plan.pick.instances} {TIMES} {plan.pick.instance_type}" in said
    assert said.count(plan.sentences[0]) == 1
    for sentence in plan.sentences:
        assert sentence in said.replace("&amp;", "&")
    assert html.count('class="stack memory" role="img" aria-label="Of ') == 1
    assert f"Memory of one {plan.pick.gpu}" in said
    assert "Of what is usable" in said
    assert "ContainerStartupHealthCheckTimeoutInSeconds" in said
    assert f"{plan.pick.loading.startup_health_check_timeout_s:,} s" in said
    assert "80 % interval" in said
    assert plan.pick.prediction.e2e_p99.basis in said
    assert "What cannot hold it, and the nearest that does" in said
    assert plan.refused[0].reason in said.replace("&amp;", "&")
    assert f"of {plan.considered} configurations" in said
    assert "Chatbot" in said


def test_a_plan_is_worked_out_elsewhere_while_its_page_says_so_and_turns_to_it(
    signed_in: Callable[[User], Client], member: User, chat_team: Team
) -> None:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    client = signed_in(member)
    waiting = client.post("/capacity/", SMALL, follow=True)
    row = CapacityPlan.objects.get()
    poll = {"HX-Request": "true"}
    again = client.get(f"/capacity/{row.pk}/", headers=poll)
    early = client.post(f"/capacity/{row.pk}/load-point/", {})

    assert "Being worked out" in text(waiting)
    assert "simulated request by request" in text(again)
    assert "<html" not in again.content.decode()
    assert early.status_code == 409
    assert usecases.waiting(now=timezone.now()) == []
    assert usecases.waiting(now=timezone.now() + timedelta(minutes=2)) == [row.pk]

    assert tasks.plan_capacity(plan_id=row.pk) == "planned"
    assert tasks.plan_capacity(plan_id=row.pk) == "not asked"
    assert client.get(f"/capacity/{row.pk}/", headers=poll)["HX-Redirect"] == f"/capacity/{row.pk}/"
    assert "Our pick" in text(client.get(f"/capacity/{row.pk}/"))
    assert usecases.waiting(now=timezone.now() + timedelta(minutes=2)) == []


def test_a_wish_that_nothing_holds_says_the_nearest_that_does(
    visitor: Client, chat_team: Team
) -> None:
    reply = visitor.post("/capacity/", EXAMPLE | {"team": "chat"}, follow=True)

    plan = queries.plan_of(CapacityPlan.objects.get())
    said = text(reply)
    assert plan.pick is None
    assert "Nothing holds every wish" in said
    assert plan.nearest[0].sentence in said
    assert plan.nearest_pick is not None
    assert f"of the nearest, {plan.nearest_pick.key}" in said


def test_an_own_model_is_planned_from_its_numbers(visitor: Client, chat_team: Team) -> None:
    numbers = {
        "model": "", "name": "House 8B", "layers": "32", "hidden": "4096", "heads": "32",
        "kv_heads": "8", "head_dim": "128", "intermediate": "14336", "vocabulary": "128256",
    }  # fmt: skip

    reply = visitor.post("/capacity/", SMALL | numbers, follow=True)

    assert "Capacity for House 8B" in text(reply)
    assert "8,030,261,248 parameters" in text(reply)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mean_rps": "=1+1"}, "plain number"),
        ({"peak_rps": "0.5"}, "below the mean"),
        ({"latency_ms": "3 s"}, "without a unit"),
        ({"model": ""}, "Name a model, or give the numbers"),
        ({"model": "<script>"}, "not one of the available choices"),
        ({"layers": "80"}, "not both"),
        ({"gpu_quota": "plenty"}, "such as ml.p5.48xlarge = 2"),
        ({"region": "<b>"}, "looks like us-east-1"),
        ({"team": "moderation"}, "not one of the available choices"),
        ({"weights_s3_uri": "s3://a\x00b"}, "Null characters are not allowed"),
        ({"mean_rps": "9" * 4000}, "at most 60 characters"),
    ],
)
def test_what_cannot_be_planned_is_told_and_kept(
    visitor: Client, chat_team: Team, moderation_team: Team, changes: dict[str, Any], words: str
) -> None:
    reply = visitor.post("/capacity/", SMALL | {"notes": ""} | changes)

    assert reply.status_code == 422
    assert words in text(reply)
    assert "what you typed is kept" in text(reply)
    assert not CapacityPlan.objects.exists()


def test_a_plan_may_begin_with_a_features_workload(visitor: Client, feature: Feature) -> None:
    visitor.post("/features/chatbot/workload/", FORM | {"load": "7", "peak_rps": "21"})

    form = visitor.get("/capacity/?feature=chatbot").context["form"]

    assert form["mean_rps"].value() == "7"
    assert form["peak_rps"].value() == "21"
    assert form["feature"].value() == "chatbot"
    assert (
        "/capacity/?feature=chatbot" in visitor.get("/features/chatbot/workload/").content.decode()
    )


def test_a_load_test_makes_the_plan_anew_and_better(visitor: Client, chat_team: Team) -> None:
    visitor.post("/capacity/", SMALL)
    old = CapacityPlan.objects.get()
    pick = queries.plan_of(old).pick
    assert pick is not None
    point = {
        "configuration": pick.key, "concurrency": "8", "input_tokens": "1500",
        "output_tokens": "300", "tpot_ms": str(round(pick.prediction.tpot.value * 1.5, 2)),
        "source": "our own bench",
    }  # fmt: skip

    reply = visitor.post(f"/capacity/{old.pk}/load-point/", point, follow=True)

    new = CapacityPlan.objects.order_by("-pk")[0]
    assert new.pk != old.pk
    assert reply.redirect_chain == [(f"/capacity/{new.pk}/", 302)]
    assert "our own bench" in text(reply)
    kept = LoadPoint.objects.get()
    assert (
        kept.configuration
        == f"Llama-3-8B/{pick.gpu}/tp{pick.tensor_parallel}/{pick.precision}/vllm"
    )
    assert "A load test of this model came in since" in text(visitor.get(f"/capacity/{old.pk}/"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"configuration": "another"}, "not one of the available choices"),
        ({"concurrency": ""}, "one of the two"),
        ({"tpot_ms": ""}, "At least one measured"),
        ({"tpot_ms": "fast"}, "plain number"),
    ],
)
def test_a_load_test_that_cannot_be_is_told(
    visitor: Client, chat_team: Team, changes: dict[str, str], words: str
) -> None:
    visitor.post("/capacity/", SMALL)
    row = CapacityPlan.objects.get()
    key = queries.plan_of(row).finalists[0].key
    point = {"configuration": key, "concurrency": "8", "input_tokens": "9", "output_tokens": "9",
             "tpot_ms": "9"}  # fmt: skip

    reply = visitor.post(f"/capacity/{row.pk}/load-point/", point | changes)

    assert reply.status_code == 422
    assert words in text(reply)
    assert not LoadPoint.objects.exists()


def test_newer_prices_are_told_and_taken_in(visitor: Client, chat_team: Team) -> None:
    visitor.post("/capacity/", SMALL)
    old = CapacityPlan.objects.get()
    CapacityPlan.objects.filter(pk=old.pk).update(prices_as_of=datetime(2026, 1, 1).date())  # noqa: DTZ001

    said = text(visitor.get(f"/capacity/{old.pk}/"))
    again = visitor.post(f"/capacity/{old.pk}/again/", follow=True)

    assert "this plan used those of 2026-01-01" in said
    assert "this plan used those" not in text(again)
    assert CapacityPlan.objects.count() == 2


def test_strangers_find_nothing_and_finance_may_only_look(
    visitor: Client, signed_in: Callable[[User], Client], stranger: User, controller: User,
    chat_team: Team,
) -> None:  # fmt: skip
    visitor.post("/capacity/", SMALL)
    pk = CapacityPlan.objects.get().pk
    other, finance = signed_in(stranger), signed_in(controller)

    assert "Llama-3-8B</a>" not in other.get("/capacity/").content.decode()
    for path, post in ((f"/capacity/{pk}/", None), *((f"/capacity/{pk}/{each}/", {}) for each in
                       ("again", "load-point", "endpoint"))):  # fmt: skip
        reply = other.get(path) if post is None else other.post(path, post)
        assert reply.status_code == 404, path
    assert other.post("/capacity/", SMALL).status_code == 422
    assert finance.get(f"/capacity/{pk}/").status_code == 200
    assert "Plan again" not in finance.get(f"/capacity/{pk}/").content.decode()
    assert finance.post(f"/capacity/{pk}/again/").status_code == 403
    assert CapacityPlan.objects.count() == 1


@pytest.mark.parametrize("pk", ["0", "99999", "9" * 30])
def test_a_plan_that_is_not_there_is_not_found(visitor: Client, pk: str) -> None:
    assert visitor.get(f"/capacity/{pk}/").status_code == 404


def test_the_pages_ask_the_database_a_fixed_number_of_times(
    visitor: Client, chat_team: Team, feature: Feature, django_assert_max_num_queries: Any
) -> None:
    visitor.post("/capacity/", SMALL | {"feature": "chatbot"})
    body = CapacityPlan.objects.get()
    for _ in range(5):
        body.pk = None
        body.save(force_insert=True)

    with django_assert_max_num_queries(12):
        visitor.get("/capacity/")
    with django_assert_max_num_queries(12):
        visitor.get(f"/capacity/{body.pk}/")
