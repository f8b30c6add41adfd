"""REST: replays and calibrations of policies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cascade import tasks
from cascade.api.policies import DraftOutput
from cascade.domain.calibration.choosing import Target
from cascade.queries import cascades
from cascade.queries import runs as queries
from cascade.usecases import asking, calibrations, replays, trainings
from portal.rest import actor_of, pagination, read

LARGEST_ID = 2**63 - 1
PRICE: dict[str, Any] = {
    "max_digits": 18,
    "decimal_places": 12,
    "min_value": Decimal(0),
    "max_value": asking.MOST_USD,
}
OF_CASCADE = OpenApiParameter("cascade", str, description="Slug of one cascade.")


class RunSummary(serializers.Serializer):
    """A run over trials, without what it found."""

    id = serializers.IntegerField()
    cascade = serializers.CharField(source="cascade.slug")
    state = serializers.CharField(help_text="waiting, running, done or failed.")
    done = serializers.IntegerField(help_text="Trials that were walked.")
    total = serializers.IntegerField()
    request = serializers.DictField(help_text="What was asked.")
    words = serializers.CharField(help_text="Why it failed; else empty.")
    made_by = serializers.CharField()
    made_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ReplayOutput(RunSummary):
    """A replay: cost with every overhead, quality, escalations, latency, rivals."""

    policy = serializers.DictField(source="body")
    result = serializers.DictField(
        allow_null=True, help_text="Costs in pico-dollars (10^-12 USD), shares from 0 to 1."
    )


class CalibrationOutput(RunSummary):
    """A calibration: the curve, what is safe, and the policy it proposes."""

    policy = serializers.DictField(source="body")
    result = serializers.DictField(allow_null=True)
    applied_at = serializers.DateTimeField(allow_null=True)


class TrainingOutput(RunSummary):
    """A training: how the router fits held-out labels, and the version a policy names it by."""

    kind = serializers.CharField()
    result = serializers.DictField(allow_null=True)


class Prices(serializers.Serializer):
    """USD for a million tokens."""

    input_usd = serializers.DecimalField(**PRICE)
    output_usd = serializers.DecimalField(**PRICE)


class ReplayInput(serializers.Serializer):
    """Which policy over which trials at which prices."""

    cascade = serializers.SlugField(max_length=63)
    policy = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text="A published number; left out or 0: the draft, or what is live without one.",
    )
    days = serializers.IntegerField(
        required=False, min_value=1, max_value=asking.MOST_DAYS, help_text="Logged trials (7)."
    )
    upload = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LARGEST_ID,
        help_text="An uploaded file in place of logged trials.",
    )
    prices = serializers.DictField(
        child=Prices(), required=False, help_text="What if models cost this, by model."
    )
    budget_share = serializers.FloatField(
        required=False, min_value=0, max_value=1, help_text="Of the month's budget that is spent."
    )


class CalibrationInput(ReplayInput):
    """And the promise to keep."""

    quality = serializers.FloatField(
        min_value=calibrations.LEAST_QUALITY,
        max_value=1,
        default=0.98,
        help_text="A share of the strongest stage's quality.",
    )
    confidence = serializers.FloatField(
        min_value=calibrations.LEAST_CONFIDENCE,
        max_value=calibrations.MOST_CONFIDENCE,
        default=0.9,
    )
    ahead = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=10**9,
        help_text="Promise it of the next so many requests, whose own luck then counts.",
    )


def _over(asked: dict[str, Any]) -> asking.Over:
    prices = {
        model: (str(pair["input_usd"]), str(pair["output_usd"]))
        for model, pair in asked.get("prices", {}).items()
    }
    names = ("policy", "days", "upload", "budget_share")
    return asking.Over(**{name: asked[name] for name in names if name in asked}, prices=prices)


class Replays(APIView):
    """Replays: list them, ask for one."""

    @extend_schema(
        operation_id="replays_list",
        parameters=[OF_CASCADE],
        responses=pagination.schema_of(RunSummary),
    )
    def get(self, request: Request) -> Response:
        """List replays, newest first."""
        found = queries.replays(actor=actor_of(request), cascade=_slug(request))
        return pagination.page(request, found, RunSummary, order=("-made_at", "-pk"))

    @extend_schema(
        operation_id="replays_create", request=ReplayInput, responses={202: ReplayOutput}
    )
    def post(self, request: Request) -> Response:
        """Walk a policy over trials; a worker does it, look at the replay until it is over."""
        asked, actor = read(ReplayInput, request), actor_of(request)
        made = replays.request_replay(
            actor=actor,
            cascade=cascades.cascade_for(actor=actor, slug=asked["cascade"]),
            over=_over(asked),
            now=timezone.now(),
        )
        tasks.nudge_replay(made.pk)
        return Response(ReplayOutput(made).data, status=202)


class Replay(APIView):
    """One replay."""

    @extend_schema(operation_id="replays_retrieve", responses=ReplayOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Show a replay and what it found."""
        return Response(ReplayOutput(queries.replay_for(actor=actor_of(request), pk=pk)).data)


class Calibrations(APIView):
    """Calibrations: list them, ask for one."""

    @extend_schema(
        operation_id="calibrations_list",
        parameters=[OF_CASCADE],
        responses=pagination.schema_of(RunSummary),
    )
    def get(self, request: Request) -> Response:
        """List calibrations, newest first."""
        found = queries.calibrations(actor=actor_of(request), cascade=_slug(request))
        return pagination.page(request, found, RunSummary, order=("-made_at", "-pk"))

    @extend_schema(
        operation_id="calibrations_create",
        request=CalibrationInput,
        responses={202: CalibrationOutput},
    )
    def post(self, request: Request) -> Response:
        """Seek thresholds that keep a promised quality on labelled trials."""
        asked, actor = read(CalibrationInput, request), actor_of(request)
        made = calibrations.request_calibration(
            actor=actor,
            cascade=cascades.cascade_for(actor=actor, slug=asked["cascade"]),
            target=Target(
                quality=asked["quality"],
                confidence=asked["confidence"],
                ahead=asked.get("ahead"),
            ),
            over=_over(asked),
            now=timezone.now(),
        )
        tasks.nudge_calibration(made.pk)
        return Response(CalibrationOutput(made).data, status=202)


class Calibration(APIView):
    """One calibration."""

    @extend_schema(operation_id="calibrations_retrieve", responses=CalibrationOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Show a calibration and what it found."""
        row = queries.calibration_for(actor=actor_of(request), pk=pk)
        return Response(CalibrationOutput(row).data)


class ApplyCalibration(APIView):
    """Take over what a calibration found."""

    @extend_schema(operation_id="calibrations_apply", request=None, responses={201: DraftOutput})
    def post(self, request: Request, pk: int) -> Response:
        """Make its thresholds the cascade's draft."""
        actor = actor_of(request)
        row = queries.calibration_for(actor=actor, pk=pk)
        made = calibrations.apply_calibration(actor=actor, calibration=row, now=timezone.now())
        return Response(DraftOutput(made).data, status=201)


class TrainingInput(serializers.Serializer):
    """For which policy's stages, on which trials."""

    cascade = serializers.SlugField(max_length=63)
    policy = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    days = serializers.IntegerField(required=False, min_value=1, max_value=asking.MOST_DAYS)
    upload = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LARGEST_ID
    )
    kind = serializers.CharField(
        required=False, default="router", max_length=10, help_text="router or gate"
    )


class Trainings(APIView):
    """Trainings of routers: list them, ask for one."""

    @extend_schema(
        operation_id="trainings_list",
        parameters=[OF_CASCADE],
        responses=pagination.schema_of(TrainingOutput),
    )
    def get(self, request: Request) -> Response:
        """List trainings, newest first."""
        found = queries.trainings(actor=actor_of(request), cascade=_slug(request))
        return pagination.page(request, found, TrainingOutput, order=("-made_at", "-pk"))

    @extend_schema(
        operation_id="trainings_create", request=TrainingInput, responses={202: TrainingOutput}
    )
    def post(self, request: Request) -> Response:
        """Train a router or a gate on labelled trials; its weights are kept under a version."""
        asked, actor = read(TrainingInput, request), actor_of(request)
        made = trainings.request_training(
            actor=actor,
            cascade=cascades.cascade_for(actor=actor, slug=asked["cascade"]),
            over=_over(asked),
            kind=asked["kind"],
            now=timezone.now(),
        )
        tasks.nudge_training(made.pk)
        return Response(TrainingOutput(made).data, status=202)


class Training(APIView):
    """One training."""

    @extend_schema(operation_id="trainings_retrieve", responses=TrainingOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Show a training and how it fits."""
        row = queries.training_for(actor=actor_of(request), pk=pk)
        return Response(TrainingOutput(row).data)


def _slug(request: Request) -> str:
    return request.query_params.get("cascade", "")[:200].replace("\x00", "")
