"""People say how good an answer was; what they say labels trials for calibration and training."""

from __future__ import annotations

import math
from datetime import datetime

from django.db import transaction

from cascade.models import Trial, Verdict
from cascade.usecases import policies
from portal.access import Actor, Permission, require
from portal.errors import Invalid, NotAllowed
from portal.models import User

HUMAN = "human"


@transaction.atomic(durable=True)
def record_verdict(
    *, actor: Actor, trial: Trial, quality: float, now: datetime, stage: str = "", note: str = ""
) -> Verdict:
    """Keep a person's verdict on a stage's answer (default: the stage that answered), 0 to 1.

    A person has one word about a stage; another one replaces it and both are kept. Raises NotFound
    to strangers, NotAllowed for what is not a person, Invalid for a stage that was not tried or a
    quality that is none.
    """
    require(actor, Permission.REVIEW, team_id=trial.team_id)
    if actor.user_id is None:
        raise NotAllowed("Verdicts are given by people.")
    stage = stage or trial.stage
    _check(trial, stage, quality)
    policies.check_note(note)
    Trial.objects.select_for_update().get(pk=trial.pk)
    own = Verdict.objects.filter(trial=trial, stage=stage, source=HUMAN, user_id=actor.user_id)
    before = own.filter(replaced_by=None).first()
    made = Verdict.objects.create(
        trial=trial,
        stage=stage,
        quality=quality,
        source=HUMAN,
        user_id=actor.user_id,
        by=User.objects.values_list("email", flat=True).get(pk=actor.user_id),
        at=now,
        note=note,
        replaces=before,
    )
    policies.record(
        actor, trial.cascade, "record-verdict", f"judged {stage}'s answer {trial.uuid} of", now
    )
    return made


def _check(trial: Trial, stage: str, quality: float) -> None:
    fields = {}
    answers = [each for each in trial.tried if not each.get("failed")]
    keys = ("stage", "of", "shadow")
    tried = list(dict.fromkeys(each[key] for each in answers for key in keys if each.get(key)))
    if stage not in tried:
        known = ", ".join(tried) or "none"
        fields["stage"] = f"This request was answered by these stages: {known}."
    if not math.isfinite(quality) or not 0 <= quality <= 1:
        fields["quality"] = "A quality lies between 0 (wrong) and 1 (right)."
    if fields:
        raise Invalid("The verdict cannot be kept like this.", fields=fields)
