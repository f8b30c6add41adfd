"""Files of trials come in: read within bounds, kept as they were understood."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import datetime
from typing import BinaryIO

from django.db import transaction

from cascade.domain.uploads import own, reading
from cascade.domain.uploads.lines import UploadFaulty
from cascade.models import Cascade, Upload
from cascade.usecases import policies
from portal.access import Actor, Permission, require
from portal.errors import Invalid

MOST_UPLOADS = 50
LONGEST_NAME = 120


def upload_trials(
    *,
    actor: Actor,
    cascade: Cascade,
    name: str,
    file: BinaryIO,
    now: datetime,
    names: Mapping[str, str] | None = None,
    source: str = "",
) -> Upload:
    """Keep a file of trials (our own export, or a published evaluation) to replay over.

    `names` gives models of the file the names of stages' models, so that their outcomes stand for
    those. Raises NotFound to strangers, NotAllowed, Invalid with the lines that cannot be read.
    """
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    policies.check_note(source)
    try:
        found = reading.read(file)
    except UploadFaulty as faulty:
        raise Invalid("The file cannot be read.", fields={"file": str(faulty)}) from faulty
    trials = reading.renamed(found.trials, names or {})
    models = sorted({model for trial in trials for model in trial.outcomes})
    text = "".join(own.as_jsonl(trials))
    row = Upload(
        cascade=cascade,
        name=(name.replace("\x00", "").strip() or "trials")[:LONGEST_NAME],
        source=source or found.shape.value,
        trials=len(trials),
        model_keys=models,
        body=gzip.compress(text.encode(), mtime=0),
        kept_at=now,
        kept_by=actor.name[:200],
    )
    return _keep(actor, cascade, row, now)


@transaction.atomic(durable=True)
def _keep(actor: Actor, cascade: Cascade, row: Upload, now: datetime) -> Upload:
    policies.lock(cascade)
    if Upload.objects.filter(cascade=cascade).count() >= MOST_UPLOADS:
        raise Invalid(
            "The file cannot be kept.",
            fields={"file": f"{cascade.slug} keeps {MOST_UPLOADS} files already; drop one first."},
        )
    row.save(force_insert=True)
    did = f"uploaded {row.trials:,} trials ({row.name}) to"
    policies.record(actor, cascade, "upload-trials", did, now)
    return row


@transaction.atomic(durable=True)
def drop_upload(*, actor: Actor, upload: Upload, now: datetime) -> None:
    """Throw a file of trials away; what was found with it stays. Raises NotFound, NotAllowed."""
    cascade = upload.cascade
    require(actor, Permission.EDIT_CASCADE, team_id=cascade.feature.team_id)
    gone, _ = Upload.objects.filter(pk=upload.pk).delete()
    if gone:
        policies.record(actor, cascade, "drop-trials", f"dropped {upload.name} from", now)
