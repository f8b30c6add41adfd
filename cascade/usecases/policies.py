"""Policies: edited as a draft, replayed, published as a version that never changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from cascade.domain.digests import canonical, digest_of
from cascade.models import Cascade, Draft, PolicyVersion, Replay
from cascade.usecases.checking import checked
from portal.access import Actor, Permission, require
from portal.errors import Conflict, Invalid
from portal.usecases import audit

LONGEST_NOTE = 2000


class NotReplayed(Conflict):
    """This very policy was not replayed yet."""

    code = "not-replayed"


class NothingToPublish(Conflict):
    """There is no draft, or it says what the newest policy says."""

    code = "nothing-to-publish"


class EditedMeanwhile(Conflict):
    """Somebody else changed the draft in the meantime."""

    code = "edited-meanwhile"


class Retired(Conflict):
    """The cascade is retired."""

    code = "retired"


@transaction.atomic(durable=True)
def save_draft(
    *,
    actor: Actor,
    cascade: Cascade,
    body: Mapping[str, Any],
    now: datetime,
    note: str = "",
    edition: int | None = None,
) -> Draft:
    """Keep a policy as the cascade's draft, its targets resolved.

    `edition` is the draft's that was edited (0: there was none); None overwrites whatever there is.
    Raises NotFound to strangers, NotAllowed, Retired, EditedMeanwhile, Invalid with a sentence for
    each field of the policy that cannot be.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    refuse_retired(cascade)
    check_note(note)
    policy = checked(cascade=cascade, body=body, now=now)
    held = lock(cascade)
    if edition is not None and edition != (held.edition if held else 0):
        who = held.updated_by if held else "Somebody who published or dropped it"
        raise EditedMeanwhile(f"{who} changed the draft meanwhile; look at it before you save.")
    row = keep_draft(
        cascade=cascade, body=canonical(policy), digest=digest_of(policy), actor=actor,
        note=note, now=now,
    )  # fmt: skip
    record(actor, cascade, "edit-policy", "edited the draft of", now)
    return row


def keep_draft(
    *,
    cascade: Cascade,
    body: Mapping[str, Any],
    digest: str,
    actor: Actor,
    note: str,
    now: datetime,
) -> Draft:
    """Write the draft of a cascade that the caller has locked."""
    held = Draft.objects.filter(cascade=cascade).first()
    row, _ = Draft.objects.update_or_create(
        cascade=cascade,
        defaults={
            "body": body,
            "digest": digest,
            "note": note,
            "edition": held.edition + 1 if held else 1,
            "updated_by": actor.name[:200],
            "updated_at": now,
        },
    )
    return row


@transaction.atomic(durable=True)
def drop_draft(*, actor: Actor, cascade: Cascade, now: datetime) -> None:
    """Throw the draft away; there may be none. Raises NotFound to strangers, NotAllowed."""
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    lock(cascade)
    gone, _ = Draft.objects.filter(cascade=cascade).delete()
    if gone:
        record(actor, cascade, "drop-draft", "dropped the draft of", now)


@transaction.atomic(durable=True)
def publish(*, actor: Actor, cascade: Cascade, now: datetime, note: str = "") -> PolicyVersion:
    """Make the draft the cascade's next policy; it answers nobody until it is rolled out.

    The first needs no replay: nothing was logged yet. Every other one needs a finished replay of
    exactly this policy. Raises NotFound to strangers, NotAllowed, Retired, NothingToPublish,
    NotReplayed, and Invalid when a price or a deployment it needs has gone meanwhile.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    refuse_retired(cascade)
    check_note(note)
    draft = lock(cascade)
    if draft is None:
        raise NothingToPublish(f"{cascade.slug} has no draft.")
    newest = PolicyVersion.objects.filter(cascade=cascade).order_by("-number").first()
    if newest is not None and newest.digest == draft.digest:
        raise NothingToPublish(f"The draft says what policy {newest.number} says.")
    checked(cascade=cascade, body=draft.body, now=now)
    replay = _replay_of(cascade, draft)
    if replay is None and newest is not None:
        raise NotReplayed("Replay this draft first, so that everybody sees what it would change.")
    made = PolicyVersion.objects.create(
        cascade=cascade,
        number=newest.number + 1 if newest else 1,
        body=draft.body,
        digest=draft.digest,
        note=note or draft.note,
        replay=replay,
        made_by=actor.name[:200],
        made_at=now,
    )
    Draft.objects.filter(pk=draft.pk).delete()
    record(actor, cascade, "publish-policy", f"published policy {made.number} of", now)
    return made


def _replay_of(cascade: Cascade, draft: Draft) -> Replay | None:
    found = Replay.objects.filter(cascade=cascade, digest=draft.digest, state="done")
    return found.order_by("-made_at", "-pk").first()


def lock(cascade: Cascade) -> Draft | None:
    """Let nobody else change the cascade until the transaction ends; return its draft."""
    Cascade.objects.select_for_update().get(pk=cascade.pk)
    return Draft.objects.filter(cascade=cascade).first()


def refuse_retired(cascade: Cascade) -> None:
    """Refuse to change what is retired. Raises Retired."""
    if cascade.retired_at is not None:
        raise Retired(f"{cascade.slug} is retired; make a new cascade.")


def check_note(note: str) -> None:
    """Refuse a note that cannot be kept. Raises Invalid."""
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise Invalid(
            "The note cannot be kept.",
            fields={"note": f"A note has at most {LONGEST_NOTE:,} characters."},
        )


def record(actor: Actor, cascade: Cascade, verb: str, did: str, now: datetime) -> None:
    """Write down what was done to a cascade."""
    audit.record(
        actor=actor,
        verb=verb,
        subject=f"cascade:{cascade.slug}",
        sentence=f"{actor.name} {did} {cascade.slug}.",
        team=cascade.feature.team,
        detail={"feature": cascade.feature.slug},
        now=now,
    )
