"""Replays and calibrations: asked for, done by whoever comes first, frozen, applied."""

from __future__ import annotations

import gzip
import io
import json
import random
from copy import deepcopy
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from cascade.domain.calibration.choosing import Target
from cascade.domain.prices import as_usd
from cascade.models import Calibration, Cascade, Draft, Replay, Upload
from cascade.queries import evidence
from cascade.usecases import asking, calibrations, policies, replays, rollouts, running, uploads
from cascade.usecases.asking import Over
from portal.access import Actor
from portal.errors import Conflict, Invalid, NotFound
from portal.models import User


def models_of(cascade: Cascade) -> list[str]:
    body = Draft.objects.get(cascade=cascade).body
    return [stage["target"]["model"] for stage in body["stages"]]


def lines(count: int, *, names: tuple[str, ...] = ("weak", "fair", "strong")) -> bytes:
    """Return trials whose weak answers are right when their score is high; seeded."""
    dice = random.Random(3)
    rows = []
    for number in range(count):
        score = dice.random()
        right = (float(dice.random() < 0.35 + 0.64 * score), float(dice.random() < 0.9), 1.0)
        outcomes = {
            name: {
                "quality": quality, "score": score, "input_tokens": 300,
                "output_tokens": 150, "latency_s": 0.5,
            }
            for name, quality in zip(names, right, strict=True)
        }  # fmt: skip
        rows.append({"trial_id": f"t{number}", "prompt": "?", "intent": "order",
                     "outcomes": outcomes})  # fmt: skip
    return "\n".join(json.dumps(row) for row in rows).encode()


@pytest.fixture
def upload(cascade: Cascade, actor_of_lead: Actor, noon: datetime) -> Upload:
    """Four hundred trials whose models stand for the cascade's stages."""
    names = dict(zip(("weak", "fair", "strong"), models_of(cascade), strict=True))
    return uploads.upload_trials(
        actor=actor_of_lead,
        cascade=cascade,
        name="support.jsonl",
        file=io.BytesIO(lines(400)),
        names=names,
        now=noon,
    )


def test_a_file_is_kept_as_it_was_understood(upload: Upload, cascade: Cascade) -> None:
    assert (upload.trials, upload.model_keys) == (400, sorted(models_of(cascade)))
    held = evidence.uploaded(upload=Upload.objects.get(pk=upload.pk))
    assert len(held) == 400
    assert set(held[0].outcomes) == set(models_of(cascade))


def test_a_packed_file_is_read_and_a_wrong_one_is_told_line_by_line(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    packed = uploads.upload_trials(
        actor=actor_of_lead,
        cascade=cascade,
        name="packed",
        file=io.BytesIO(gzip.compress(lines(3))),
        now=noon,
    )
    assert packed.trials == 3
    wrong = lines(2) + b'\n{"trial_id": "", "outcomes": {}}'
    with pytest.raises(Invalid) as refused:
        uploads.upload_trials(
            actor=actor_of_lead, cascade=cascade, name="x", file=io.BytesIO(wrong), now=noon
        )
    assert "Line 3" in refused.value.fields["file"]


def test_a_replay_says_what_the_draft_would_have_cost_and_lets_it_be_published(
    upload: Upload, cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    first = policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    rollouts.go_live(actor=actor_of_lead, cascade=cascade, number=1, now=noon)
    body = deepcopy(first.body)
    body["stages"][0]["threshold"] = 0.6
    policies.save_draft(actor=actor_of_lead, cascade=cascade, body=body, now=noon)
    asked = replays.request_replay(
        actor=actor_of_lead, cascade=cascade, over=Over(upload=upload.pk), now=noon
    )
    assert (asked.state, asked.total) == ("waiting", 400)
    with pytest.raises(policies.NotReplayed):
        policies.publish(actor=actor_of_lead, cascade=cascade, now=noon)
    done = replays.run_replay(replay_id=asked.pk, clock=lambda: noon)
    assert done is not None
    assert (done.state, done.done) == ("done", 400)
    assert done.result["trials"] == 400
    assert 0 < done.result["saved"]["value"] < 1
    assert sum(stage["answered"] for stage in done.result["stages"]) == 400
    assert policies.publish(actor=actor_of_lead, cascade=cascade, now=noon).replay == done


def test_a_replay_is_done_once_and_taken_over_from_the_lost(
    upload: Upload, cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    asked = replays.request_replay(
        actor=actor_of_lead, cascade=cascade, over=Over(upload=upload.pk), now=noon
    )
    assert running.abandoned(Replay, now=noon) == [asked.pk]
    assert running.claim(Replay, pk=asked.pk, now=noon) is not None
    assert replays.run_replay(replay_id=asked.pk, clock=lambda: noon) is None
    later = noon + running.LEASE
    done = replays.run_replay(replay_id=asked.pk, clock=lambda: later)
    assert done is not None
    assert done.state == "done"
    assert not running.end(done, result={"another": "answer"}, now=later)
    done.refresh_from_db()
    assert "another" not in done.result
    assert running.abandoned(Replay, now=later + timedelta(days=1)) == []


def test_what_if_prices_change_the_cost_and_nothing_else(
    upload: Upload, cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    dear = dict.fromkeys(models_of(cascade), ("10", "50"))
    found = []
    for prices in ({}, dear):
        asked = replays.request_replay(
            actor=actor_of_lead,
            cascade=cascade,
            over=Over(upload=upload.pk, prices=prices),
            now=noon,
        )
        done = replays.run_replay(replay_id=asked.pk, clock=lambda: noon)
        assert done is not None
        found.append(done.result)
    today, wished = found
    assert wished["price_version"] == "what-if"
    assert wished["strongest_pico"] == 400 * (300 * 10 + 150 * 50) * 10**6
    assert today["quality"] == wished["quality"]


def test_wrong_questions_are_told_apart(
    upload: Upload, cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    over = Over(upload=upload.pk + 1, days=0, prices={"m": ("x", "-1")}, budget_share=2)
    with pytest.raises(Invalid) as refused:
        replays.request_replay(actor=actor_of_lead, cascade=cascade, over=over, now=noon)
    assert set(refused.value.fields) == {"upload", "days", "prices.m", "budget_share"}
    with pytest.raises(Conflict, match="answered nothing"):
        replays.request_replay(actor=actor_of_lead, cascade=cascade, over=Over(), now=noon)


def test_only_so_many_runs_wait(
    upload: Upload, cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    for _ in range(replays.MOST_WAITING):
        replays.request_replay(
            actor=actor_of_lead, cascade=cascade, over=Over(upload=upload.pk), now=noon
        )
    with pytest.raises(replays.TooMany):
        replays.request_replay(
            actor=actor_of_lead, cascade=cascade, over=Over(upload=upload.pk), now=noon
        )


def test_trials_without_a_score_end_a_calibration_with_words(
    cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    text = lines(50, names=tuple(models_of(cascade))).replace(b'"score"', b'"scored"')
    held = uploads.upload_trials(
        actor=actor_of_lead, cascade=cascade, name="x", file=io.BytesIO(text), now=noon
    )
    asked = calibrations.request_calibration(
        actor=actor_of_lead,
        cascade=cascade,
        target=Target(),
        over=Over(upload=held.pk),
        now=noon,
    )
    done = calibrations.run_calibration(calibration_id=asked.pk, clock=lambda: noon)
    assert done is not None
    assert done.state == "failed"
    assert "score" in done.words
    with pytest.raises(calibrations.NothingToApply):
        calibrations.apply_calibration(actor=actor_of_lead, calibration=done, now=noon)


def test_labels_change_the_thresholds_through_a_draft(
    upload: Upload, cascade: Cascade, actor_of_lead: Actor, noon: datetime
) -> None:
    asked = calibrations.request_calibration(
        actor=actor_of_lead,
        cascade=cascade,
        target=Target(quality=0.85, confidence=0.9),
        over=Over(upload=upload.pk),
        now=noon,
    )
    done = calibrations.run_calibration(calibration_id=asked.pk, clock=lambda: noon)
    assert done is not None
    assert done.state == "done", done.words
    assert done.result["labels"] == 400
    draft = calibrations.apply_calibration(actor=actor_of_lead, calibration=done, now=noon)
    gated = [stage["threshold"] for stage in draft.body["stages"][:-1]]
    assert gated == done.result["chosen"]["levels"]
    assert draft.note.startswith(f"Calibration {done.pk}: ")
    assert Calibration.objects.get(pk=done.pk).applied_at == noon


def test_strangers_ask_for_nothing(
    upload: Upload, cascade: Cascade, actor_of_stranger: Actor, noon: datetime
) -> None:
    with pytest.raises(NotFound):
        replays.request_replay(
            actor=actor_of_stranger, cascade=cascade, over=Over(upload=upload.pk), now=noon
        )
    with pytest.raises(NotFound):
        uploads.drop_upload(actor=actor_of_stranger, upload=upload, now=noon)


def test_a_replay_at_other_prices_costs_what_those_say(
    cascade: Cascade, upload: Upload, actor_of_lead: Actor, noon: datetime
) -> None:
    dearest = models_of(cascade)[-1]

    def spent(prices: dict[str, tuple[str, str]]) -> int:
        over = Over(upload=upload.pk, prices=prices)
        run = replays.request_replay(actor=actor_of_lead, cascade=cascade, over=over, now=noon)
        done = replays.run_replay(replay_id=run.pk, clock=lambda: noon)
        assert done is not None
        assert done.result is not None
        return int(done.result["strongest_pico"])

    # 300 tokens in at 10 and 150 out at 20 USD a million: 0.006 USD for each of 400 trials.
    assert spent({dearest: ("10", "20")}) == 400 * 6 * 10**9
    assert spent({dearest: ("20", "40")}) == 2 * 400 * 6 * 10**9


def test_prices_of_a_model_that_is_not_called_are_refused_with_those_that_are(
    cascade: Cascade, upload: Upload, actor_of_lead: Actor, noon: datetime
) -> None:
    over = Over(upload=upload.pk, prices={"no-such-model": ("1", "2")})
    with pytest.raises(Invalid) as refused:
        replays.request_replay(actor=actor_of_lead, cascade=cascade, over=over, now=noon)
    (words,) = refused.value.fields.values()
    assert all(model in words for model in models_of(cascade))
    assert not Replay.objects.exists()


def test_the_page_offers_todays_prices_and_takes_others(
    client: Client, cascade: Cascade, upload: Upload, lead: User, noon: datetime
) -> None:
    client.force_login(lead)
    url = reverse("cascade:replays", args=[cascade.slug])
    page = client.get(url).content.decode()
    dearest = models_of(cascade)[-1]
    assert f"{dearest} = " in page

    asked = {"policy": "0", "over": str(upload.pk), "days": "7", "budget_spent": "0"}
    wrong = client.post(url, asked | {"prices": f"{dearest} = cheap"})
    assert wrong.status_code == 422
    assert "Line 1 is not MODEL = INPUT OUTPUT" in wrong.content.decode()
    assert "cheap" in wrong.content.decode()  # What was typed is not lost.

    made = client.post(url, asked | {"prices": f"{dearest} = 10 20\n"})
    assert made.status_code == 302
    run = Replay.objects.get()
    assert run.request["prices"] == {dearest: ["10", "20"]}
    replays.run_replay(replay_id=run.pk, clock=lambda: noon)
    shown = client.get(made["Location"]).content.decode()
    assert f"{dearest} costs 10 USD in and 20 USD out" in shown


def test_prices_otherwise_change_cached_and_long_prompts_by_as_much(
    cascade: Cascade, noon: datetime
) -> None:
    body = Draft.objects.get(cascade=cascade).body
    policy = asking.policy_of(body)
    model = models_of(cascade)[0]
    before = asking.prices_asked(over=Over(), policy=policy, now=noon).find(model)
    assert before is not None
    twice = tuple(str(2 * as_usd(each)) for each in (before.input, before.output))
    over = Over(prices={model: (twice[0], twice[1])})
    after = asking.prices_asked(over=over, policy=policy, now=noon).find(model)
    assert after is not None
    assert (after.input, after.output) == (2 * before.input, 2 * before.output)
    assert after.cached == 2 * before.cached
    assert after.long_from == before.long_from
    assert (after.long is None) == (before.long is None)
