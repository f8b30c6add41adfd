"""The workload form with its preview and its trace, as a person in a browser meets them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from billing.usecases import prices as price_usecases
from deployments.models import Recommendation, WorkloadRow
from portal.models import Feature, User
from tests.functional.deployments.test_advice_pages import FORM, text

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/features/chatbot/workload/"
WEEK = ", ".join("9" if hour % 24 == 14 else "1" for hour in range(168))


@pytest.fixture
def visitor(signed_in: Callable[[User], Client], member: User, db: None) -> Client:
    price_usecases.load_list(now=timezone.now() - timedelta(days=1))
    return signed_in(member)


def a_day(start: int = 1_793_577_600) -> bytes:
    """A Monday with a request every half minute, and every two seconds from 14 to 15 UTC."""
    moments = sorted({*range(0, 86_401, 30), *range(14 * 3600, 15 * 3600, 2)})
    rows = "".join(
        f"{start + moment},{400 + moment % 200},{50 + moment % 20}\n" for moment in moments
    )
    return ("timestamp,input_tokens,output_tokens\n" + rows).encode()


def upload(content: bytes, name: str = "trace.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_trace_fills_the_form_and_nothing_is_saved(
    visitor: Client, feature: Feature, pack: Callable[[bytes], bytes]
) -> None:
    typed = FORM | {"notes": "Typed before.", "trace": upload(pack(a_day()))}

    reply = visitor.post(PAGE + "trace/", typed)

    said, html = text(reply), reply.content.decode()
    assert reply.status_code == 200
    assert "What the trace shows" in said
    assert "is not saved yet" in said
    assert "less than a week: 24 of 168 hours were seen" in said
    assert 'name="input_tokens_mean" value="49' in html
    assert "Typed before." in html
    assert 'role="img" aria-label="Over the week Monday 14:00 UTC is busiest' in html
    assert html.count('<rect class="tone-accent"') == 168
    assert "Load measured in a trace of" in html
    assert "Cheapest that meets everything" in said
    assert not WorkloadRow.objects.exists()


def test_what_the_trace_filled_in_can_be_saved(visitor: Client, feature: Feature) -> None:
    form = visitor.post(PAGE + "trace/", FORM | {"trace": upload(a_day())}).context["form"]

    reply = visitor.post(PAGE, form.initial)

    assert reply.status_code == 302, text(reply)
    kept = WorkloadRow.objects.get().body
    assert len(kept["weekly_profile"]) == 168
    assert kept["burst"]["seconds"] == 10
    assert kept["assumptions"][-1].startswith("Load measured in a trace of")
    again = visitor.post(PAGE + "trace/", form.initial | {"trace": upload(a_day())})
    assert again.content.decode().count("Load measured in a trace of") == 1


def test_one_line_may_stand_for_ten_requests(visitor: Client, feature: Feature) -> None:
    plain = visitor.post(PAGE + "trace/", FORM | {"trace": upload(a_day())})
    thinned = visitor.post(PAGE + "trace/", FORM | {"trace": upload(a_day()), "one_in": "10"})

    ratio = thinned.context["measured"].mean_rps / plain.context["measured"].mean_rps
    assert float(ratio) == pytest.approx(10, rel=0.001)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "Line 1 has no timestamp column"),
        (a_day() + b"=1+1,5,5\n", "is no timestamp"),
        (b"\x00" * 10_000, "more than 1,000 characters"),
        (b"", "empty"),
        (gzip.compress(a_day())[:500], "ends in the middle"),
    ],
)
def test_a_broken_trace_loses_nothing_that_was_typed(
    visitor: Client, feature: Feature, content: bytes, words: str
) -> None:
    typed = FORM | {"load": "77", "models": ["amazon.nova-micro-v1:0"], "notes": "Keep me."}

    reply = visitor.post(PAGE + "trace/", typed | {"trace": upload(content)})

    html = reply.content.decode()
    assert reply.status_code == 422
    assert words in text(reply)
    assert "what you typed is kept" in text(reply)
    assert 'name="load" value="77"' in html
    assert "Keep me." in html
    assert reply.context["form"]["models"].value() == ["amazon.nova-micro-v1:0"]


def test_no_file_and_too_large_a_file_get_a_sentence(
    visitor: Client, feature: Feature, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = visitor.post(PAGE + "trace/", FORM)
    monkeypatch.setattr("deployments.forms.workload.MOST_TRACE_BYTES", 1000)
    large = visitor.post(PAGE + "trace/", FORM | {"trace": upload(a_day())})

    assert (none.status_code, large.status_code) == (422, 422)
    assert "This field is required" in text(none)
    assert "at most 20 MiB are read" in text(large)


def test_the_preview_names_the_cheapest_option_and_keeps_nothing(
    visitor: Client, feature: Feature
) -> None:
    typed = FORM | {"latency_ms": "60000"}

    reply = visitor.post(PAGE + "preview/", typed, headers={"HX-Request": "true"})
    visitor.post(PAGE, typed)

    made = Recommendation.objects.get()
    said = text(reply)
    assert "Cheapest that meets everything" in said
    assert made.options[0]["summary"] in said.replace("&amp;", "&")
    assert f"of {len(made.options)} options hold. The others break" in said
    assert WorkloadRow.objects.count() == 1


def test_the_preview_says_what_stands_in_the_way(visitor: Client, feature: Feature) -> None:
    typed = FORM | {"latency_ms": "5", "latency_percentile": "99"}

    said = text(visitor.post(PAGE + "preview/", typed, headers={"HX-Request": "true"}))

    assert "Nothing meets everything" in said
    assert "Nothing meets 5 ms at p99. The nearest is" in said
    assert "The others break" in said
    assert "latency (" in said


def test_without_javascript_the_preview_is_the_page_with_all_that_was_typed(
    visitor: Client, feature: Feature
) -> None:
    typed = FORM | {"weekly_profile": WEEK, "peak_rps": "", "vpc_only": "on", "burst_rps": "100"}

    reply = visitor.post(PAGE + "preview/", typed)

    html = reply.content.decode()
    assert "<html" in html
    assert "Cheapest that meets everything" in text(reply)
    assert "In its highest 10 seconds 100 requests/s arrive." in text(reply)
    assert 'name="burst_rps" value="100"' in html
    assert reply.context["form"]["vpc_only"].value() == "on"
    assert "The week" in text(reply)
    assert not WorkloadRow.objects.exists()


def test_a_week_is_kept_shown_and_filled_in_again(visitor: Client, feature: Feature) -> None:
    saved = visitor.post(PAGE, FORM | {"weekly_profile": WEEK, "peak_rps": "", "burst_rps": "100"})

    html = visitor.get(PAGE).content.decode()

    assert saved.status_code == 302
    assert html.count('<rect class="tone-accent"') == 168
    assert 'name="burst_rps" value="100"' in html
    assert ", ".join(WorkloadRow.objects.get().body["weekly_profile"][:3]) in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weekly_profile": "1, 2, 3"}, "168 or 24 hourly weights; these are 3"),
        ({"weekly_profile": "=1+1 " * 24}, "Number 1 is between"),
        ({"burst_rps": "1", "peak_rps": "50"}, "below the peak minute"),
        ({"cached_input_share": "60"}, "between 0 and 1"),
    ],
)
def test_a_wrong_week_stands_beside_its_field(
    visitor: Client, feature: Feature, changes: dict[str, Any], words: str
) -> None:
    reply = visitor.post(PAGE, FORM | changes)

    assert reply.status_code == 422
    assert words in text(reply)
    assert not WorkloadRow.objects.exists()


def test_a_stranger_finds_no_trace(
    signed_in: Callable[[User], Client], stranger: User, feature: Feature
) -> None:
    client = signed_in(stranger)

    assert client.post(PAGE + "trace/", {"trace": upload(a_day())}).status_code == 404
    assert client.post(PAGE + "preview/", FORM).status_code == 404


def test_the_page_asks_the_database_a_fixed_number_of_times(
    visitor: Client, feature: Feature, django_assert_max_num_queries: Any
) -> None:
    visitor.post(PAGE, FORM)

    with django_assert_max_num_queries(12):
        visitor.get(PAGE)
    with django_assert_max_num_queries(12):
        visitor.post(PAGE + "preview/", FORM)
