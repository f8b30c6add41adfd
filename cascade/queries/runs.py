"""Replays, calibrations, files, weights and alerts of a cascade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from cascade.models import Alert, Calibration, Cascade, Replay, Training, Upload, Weights
from portal.access import Actor
from portal.errors import NotFound

Row = TypeVar("Row", bound=Model)


def replays(*, actor: Actor, cascade: str = "") -> QuerySet[Replay]:
    """Return the replays the actor may see, newest first."""
    return _seen(Replay.objects.all(), actor, cascade)


def replay_for(*, actor: Actor, pk: int) -> Replay:
    """Return one replay. Raises NotFound."""
    return _one(replays(actor=actor), pk, "replay")


def calibrations(*, actor: Actor, cascade: str = "") -> QuerySet[Calibration]:
    """Return the calibrations the actor may see, newest first."""
    return _seen(Calibration.objects.all(), actor, cascade)


def calibration_for(*, actor: Actor, pk: int) -> Calibration:
    """Return one calibration. Raises NotFound."""
    return _one(calibrations(actor=actor), pk, "calibration")


def trainings(*, actor: Actor, cascade: str = "") -> QuerySet[Training]:
    """Return the trainings the actor may see, newest first."""
    return _seen(Training.objects.all(), actor, cascade)


def training_for(*, actor: Actor, pk: int) -> Training:
    """Return one training. Raises NotFound."""
    return _one(trainings(actor=actor), pk, "training")


def uploads(*, cascade: Cascade) -> QuerySet[Upload]:
    """Return the files of trials of a cascade, newest first, without their content."""
    return Upload.objects.filter(cascade=cascade).defer("body").select_related("cascade")


def upload_for(*, cascade: Cascade, pk: int) -> Upload:
    """Return one file of trials. Raises NotFound."""
    return _one(uploads(cascade=cascade), pk, "upload")


def weights(*, cascade: Cascade) -> QuerySet[Weights]:
    """Return what was trained, newest first, without the numbers themselves."""
    return Weights.objects.filter(cascade=cascade).defer("body").select_related("cascade")


def alerts(*, actor: Actor, cascade: str = "", is_open: bool | None = None) -> QuerySet[Alert]:
    """Return the alerts the actor may see, newest first."""
    found = _seen(Alert.objects.all(), actor, cascade)
    return found if is_open is None else found.filter(closed_at__isnull=is_open)


def alert_for(*, actor: Actor, pk: int) -> Alert:
    """Return one alert. Raises NotFound."""
    return _one(alerts(actor=actor), pk, "alert")


def _seen(rows: QuerySet[Row], actor: Actor, cascade: str) -> QuerySet[Row]:
    found = rows.select_related("cascade__feature__team")
    if not actor.sees_everything:
        found = found.filter(cascade__feature__team_id__in=list(actor.team_roles))
    return found.filter(cascade__slug=cascade) if cascade else found


def _one(rows: QuerySet[Row], pk: int, what: str) -> Row:
    found = rows.filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise NotFound(f"There is no {what} {pk} that you can see.")
    return found


def levels_of(point: Mapping[str, Any]) -> list[float]:
    """Return the thresholds of a point's gates; a calibration of old had one for all of them."""
    gates = point["family"].count(" > ")
    return list(point["levels"]) if "levels" in point else [point["level"]] * gates
