"""The pages of a cascade: what they show, to whom, and what their forms do."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cascade.models import (
    Calibration,
    Cascade,
    Draft,
    FeatureLimit,
    PolicyVersion,
    Replay,
    Rollout,
    Training,
    Trial,
    Upload,
    Verdict,
    VirtualKey,
)
from cascade.usecases import trainings
from portal.models import Feature, User

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Client]
ONE = "/cascades/chatbot-production-cascade/"
PAGES = (
    "/cascades/",
    "/features/chatbot/cascade/",
    ONE,
    f"{ONE}?hours=168",
    f"{ONE}figures/",
    f"{ONE}limit/",
    f"{ONE}policy/",
    f"{ONE}policy/edit/",
    f"{ONE}policy/1/",
    f"{ONE}replays/",
    f"{ONE}trials/upload/",
    f"{ONE}calibrations/",
    f"{ONE}trainings/",
    f"{ONE}trials/",
    f"{ONE}trials/?stage=small&status=answered&escalated=no&labelled=no",
    f"{ONE}review/",
    f"{ONE}keys/",
)


def text(reply: Any) -> str:
    return str(reply.content.decode())


def posted(form: str) -> dict[str, str]:
    """Return what a browser would send of the page's policy form, untouched."""
    given = {}
    for tag in re.findall(r"<(?:input|textarea)[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        is_box = 'type="checkbox"' in tag
        if name and (not is_box or " checked" in tag):
            given[name[1]] = "on" if is_box else value[1] if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        given[name] = chosen[1] if chosen else ""
    return given


@pytest.fixture
def desk(world: dict[str, Any], signed_in: SignIn, lead: User) -> Client:
    return signed_in(lead)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_the_team_and_for_no_stranger(
    desk: Client, signed_in: SignIn, stranger: User, page: str
) -> None:
    assert desk.get(page).status_code == 200
    theirs = signed_in(stranger).get(page)
    assert theirs.status_code == (200 if page == "/cascades/" else 404)
    assert "production, Chat" not in text(theirs)


def test_a_new_cascade_begins_with_a_draft_of_three_stages(
    priced: None, signed_in: SignIn, lead: User, feature: Feature
) -> None:
    reply = signed_in(lead).post(
        "/cascades/", {"feature": "chatbot", "environment": "production"}, follow=True
    )

    assert reply.redirect_chain[-1][0] == f"{ONE}policy/"
    assert [stage["name"] for stage in Draft.objects.get().body["stages"]] == [
        "small",
        "medium",
        "large",
    ]
    assert "Publish as policy 1" in text(reply)


def test_a_second_cascade_in_one_environment_is_refused_with_a_sentence(desk: Client) -> None:
    reply = desk.post("/cascades/", {"feature": "chatbot", "environment": "production"})

    assert reply.status_code == 409
    assert "has a cascade in production already" in text(reply)


def test_the_draft_saved_untouched_stays_the_same_policy(desk: Client) -> None:
    before = Draft.objects.get()
    given = posted(text(desk.get(f"{ONE}policy/edit/")))

    assert desk.post(f"{ONE}policy/edit/", given).status_code == 302
    after = Draft.objects.get()
    assert after.body == before.body
    assert after.digest == before.digest


def test_an_edit_changes_what_it_names_and_nothing_else(desk: Client) -> None:
    given = posted(text(desk.get(f"{ONE}policy/edit/")))
    given |= {"stages.0.threshold": "0,77", "note": "bolder", "streaming": "commit"}

    assert desk.post(f"{ONE}policy/edit/", given).status_code == 302
    body = Draft.objects.get().body
    assert body["stages"][0]["threshold"] == 0.77
    assert body["stages"][1]["threshold"] == 0.9
    assert body["streaming"] == "commit"
    assert Draft.objects.get().note == "bolder"


def test_faults_stand_beside_their_fields_and_nothing_typed_is_lost(desk: Client) -> None:
    given = posted(text(desk.get(f"{ONE}policy/edit/")))
    given |= {"stages.1.threshold": "1.5", "stages.0.name": "Not a name", "note": "kept words"}
    reply = desk.post(f"{ONE}policy/edit/", given)

    assert reply.status_code == 422
    page = text(reply)
    assert "This is a number from 0 to 1." in page
    assert "A stage&#x27;s name is 1 to 40" in page
    assert "kept words" in page
    assert 'value="1.5"' in page


def test_words_where_a_number_belongs_are_refused(desk: Client) -> None:
    given = posted(text(desk.get(f"{ONE}policy/edit/"))) | {"deadline_s": "soon"}
    reply = desk.post(f"{ONE}policy/edit/", given)

    assert reply.status_code == 422
    assert "This is a number, as in 0.85." in text(reply)


def test_another_stage_can_be_added_without_a_script(desk: Client) -> None:
    given = posted(text(desk.get(f"{ONE}policy/edit/"))) | {"more": "1"}
    reply = desk.post(f"{ONE}policy/edit/", given)

    assert reply.status_code == 200
    assert "Stage 5" in text(reply)


def test_an_edit_over_somebody_elses_is_refused(desk: Client) -> None:
    given = posted(text(desk.get(f"{ONE}policy/edit/")))
    assert desk.post(f"{ONE}policy/edit/", given).status_code == 302
    reply = desk.post(f"{ONE}policy/edit/", given)

    assert reply.status_code == 409
    assert "changed the draft meanwhile" in text(reply)


def test_a_policy_goes_from_draft_to_canary_to_live_and_back(desk: Client) -> None:
    assert desk.post(f"{ONE}policy/publish/").status_code == 302
    assert PolicyVersion.objects.count() == 3
    assert desk.post(f"{ONE}policy/3/canary/", {"share": "10"}).status_code == 302
    assert Rollout.objects.first().canary_share == 0.1  # type: ignore[union-attr]
    assert "canary" in text(desk.get(f"{ONE}policy/"))
    assert desk.post(f"{ONE}policy/3/live/").status_code == 302
    assert "Policy 3 answers" in text(desk.get(f"{ONE}policy/"))
    assert desk.post(f"{ONE}policy/1/back/").status_code == 302
    assert "Policy 1 answers" in text(desk.get(f"{ONE}policy/"))


@pytest.mark.parametrize("share", ["", "all", "0", "100", "-5"])
def test_a_share_that_is_none_is_refused(desk: Client, share: str) -> None:
    reply = desk.post(f"{ONE}policy/2/canary/", {"share": share})

    assert reply.status_code in (409, 422)
    assert Rollout.objects.count() == 1


def test_a_member_may_draft_and_review_but_not_promote(
    world: dict[str, Any], signed_in: SignIn, member: User
) -> None:
    client = signed_in(member)
    page = text(client.get(f"{ONE}policy/"))

    assert "Edit the draft" in page
    assert "Roll back" not in page
    assert "Start</button>" not in page
    assert client.post(f"{ONE}policy/2/canary/", {"share": "5"}).status_code == 403
    assert client.post(f"{ONE}keys/", {"name": "mine", "days": "3"}).status_code == 403
    assert VirtualKey.objects.count() == 1


def test_a_key_is_shown_once_and_revoked_at_once(desk: Client) -> None:
    reply = desk.post(f"{ONE}keys/", {"name": "app", "days": "30", "requests_per_minute": "60"})
    secret = re.search(r"slwk_[0-9a-f]{8}_[\w-]+", text(reply))
    assert secret is not None
    assert secret[0] not in text(desk.get(f"{ONE}keys/"))
    key = VirtualKey.objects.get(name="app")
    assert key.requests_per_minute == 60
    assert desk.post(f"{ONE}keys/{key.prefix}/revoke/").status_code == 302
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_limit_is_set_and_lifted(desk: Client) -> None:
    assert desk.post(f"{ONE}limit/", {"monthly_usd": "120.5"}).status_code == 302
    assert "120.50" in text(desk.get(ONE))
    assert desk.post(f"{ONE}limit/", {"monthly_usd": ""}).status_code == 302
    assert FeatureLimit.objects.order_by("-pk")[0].monthly_usd is None
    assert desk.post(f"{ONE}limit/", {"monthly_usd": "-1"}).status_code == 422


def test_a_replay_is_asked_for_and_shown_as_it_goes(desk: Client) -> None:
    reply = desk.post(f"{ONE}replays/", {"over": "logged", "days": "7", "policy": "0"})
    assert reply.status_code == 302
    run = Replay.objects.get(state="waiting")
    page = text(desk.get(f"{ONE}replays/{run.pk}/"))
    assert "A worker begins within seconds." in page
    assert "poll=1" in page


def test_what_nobody_knows_is_told_as_it_was_taken_in_a_file_and_in_a_log(desk: Client) -> None:
    run = Replay.objects.exclude(result=None).latest("pk")
    pages = []
    for unheard, supposed in ((7, 0), (7, 9)):
        run.result = {**(run.result or {}), "unheard": unheard, "supposed": supposed}
        run.save()
        pages.append(text(desk.get(f"{ONE}replays/{run.pk}/")))
    file, log = pages
    assert "Of 7 of these requests nobody knows whether two stages said the same" in file
    assert "their scores stand as they are" in file
    assert "does not tell enough" not in file
    assert "Of 9 of these requests the log does not tell enough" in log
    assert "(for 7) nobody knows whether two stages said the same" in log
    assert "their scores stand as they are" not in log


@pytest.mark.parametrize("kind", ["router", "gate"])
def test_a_training_is_asked_for_done_and_named(desk: Client, now: datetime, kind: str) -> None:
    reply = desk.post(
        f"{ONE}trainings/", {"kind": kind, "over": "logged", "days": "7", "policy": "1"}
    )
    assert reply.status_code == 302
    run = Training.objects.latest("pk")
    assert trainings.run_training(training_id=run.pk, clock=timezone.now) is not None
    page = text(desk.get(f"{ONE}trainings/"))
    assert "Nobody has judged an answer of these stages yet." in page
    wrong = {"kind": "oracle", "over": "logged", "days": "7", "policy": "1"}
    assert desk.post(f"{ONE}trainings/", wrong).status_code == 422


def test_a_file_of_trials_is_kept_and_a_bad_one_refused_line_by_line(desk: Client) -> None:
    good = io.BytesIO(
        b'{"trial_id": "a", "prompt": "Hi", "outcomes": {"m": {"quality": 1, '
        b'"input_tokens": 3, "output_tokens": 2}}}\n'
    )
    good.name = "good.jsonl"
    assert desk.post(f"{ONE}trials/upload/", {"file": good, "names": ""}).status_code == 302
    assert Upload.objects.filter(name="good.jsonl").exists()
    bad = io.BytesIO(b"not trials at all")
    bad.name = "bad.csv"
    reply = desk.post(f"{ONE}trials/upload/", {"file": bad, "names": "a = b\nnonsense"})
    assert reply.status_code == 422
    assert "Line 2 is not NAME = MODEL." in text(reply)


def test_a_request_shows_its_whole_decision_and_takes_a_verdict(desk: Client) -> None:
    trial = Trial.objects.get()
    page = text(desk.get(f"{ONE}trials/{trial.uuid}/"))
    assert "scored 0.910" in page
    assert "complete" in page
    assert "every stage in turn" in page
    reply = desk.post(
        f"{ONE}trials/{trial.uuid}/", {"stage": "small", "quality": "0", "note": "wrong parcel"}
    )
    assert reply.status_code == 302
    assert Verdict.objects.get().quality == 0.0
    assert "wrong parcel" in text(desk.get(f"{ONE}trials/{trial.uuid}/"))


def test_a_review_takes_the_next_answer_that_waits(desk: Client) -> None:
    trial = Trial.objects.get()
    assert "Where is my parcel?" in text(desk.get(f"{ONE}review/"))
    reply = desk.post(f"{ONE}review/", {"trial": str(trial.uuid), "quality": "1", "note": ""})
    assert reply.status_code == 302
    assert "Nothing waits to be judged" in text(desk.get(f"{ONE}review/"))
    assert desk.post(f"{ONE}review/", {"trial": "no", "quality": "1"}).status_code == 404


def test_what_a_user_wrote_is_shown_as_text(desk: Client) -> None:
    trial = Trial.objects.get()
    Trial.objects.filter(pk=trial.pk).update(prompt="<script>alert(1)</script>{{ 7|add:7 }}")
    page = text(desk.get(f"{ONE}trials/{trial.uuid}/"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7|add:7 }}" in page


def test_thresholds_are_taken_over_into_the_draft(desk: Client, now: datetime) -> None:
    run = Calibration.objects.get()
    assert desk.post(f"{ONE}calibrations/{run.pk}/apply/").status_code == 302
    assert Draft.objects.get().note.startswith(f"Calibration {run.pk}")


def test_the_figures_name_their_stretch_of_time(desk: Client) -> None:
    assert "in the last 7 days" in text(desk.get(f"{ONE}?hours=168"))
    assert "in the last 24 hours" in text(desk.get(f"{ONE}figures/?hours=nonsense"))


def test_an_alert_is_closed_and_a_cascade_retired(desk: Client, world: dict[str, Any]) -> None:
    assert "Prompts grew longer." in text(desk.get(ONE))
    assert desk.post(f"{ONE}alerts/{world['alert'].pk}/close/").status_code == 302
    assert "Prompts grew longer." not in text(desk.get(ONE))
    assert desk.post(f"{ONE}retire/").status_code == 302
    assert Cascade.objects.get().retired_at is not None
    assert "Retired" in text(desk.get(ONE))
