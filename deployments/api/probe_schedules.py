"""REST: a team's probes by schedule."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.domain.probing import FEWEST_INPUT_TOKENS
from deployments.models import ProbeSchedule
from deployments.queries import probes as queries
from deployments.usecases import probe_schedules as usecases
from deployments.usecases import probes
from portal.errors import Invalid
from portal.queries import feature_for, team_for
from portal.rest import actor_of, read


class Output(serializers.Serializer):
    """The schedule; all but `is_on` is null while it is off."""

    is_on = serializers.BooleanField()
    feature = serializers.CharField(allow_null=True, help_text="Which pays for it.")
    every_days = serializers.IntegerField(allow_null=True)
    requests = serializers.IntegerField(allow_null=True)
    input_tokens = serializers.IntegerField(allow_null=True)
    output_tokens = serializers.IntegerField(allow_null=True)
    most_usd = serializers.DecimalField(
        max_digits=24, decimal_places=12, allow_null=True, help_text="The cap of one run."
    )
    changed_at = serializers.DateTimeField(allow_null=True)
    changed_by = serializers.CharField(allow_null=True)


class Schedule(APIView):
    """What a team runs on, measured again and again; off unless somebody turns it on."""

    class Input(serializers.Serializer):
        """How often, how many, and which of the team's features pays."""

        feature = serializers.SlugField(max_length=100)
        every_days = serializers.IntegerField(min_value=1, max_value=usecases.MOST_DAYS, default=7)
        requests = serializers.IntegerField(min_value=1, max_value=probes.MOST_REQUESTS, default=40)
        input_tokens = serializers.IntegerField(
            min_value=FEWEST_INPUT_TOKENS, max_value=probes.MOST_INPUT_TOKENS, default=300
        )
        output_tokens = serializers.IntegerField(
            min_value=2, max_value=probes.MOST_OUTPUT_TOKENS, default=100
        )
        most_usd = serializers.DecimalField(
            max_digits=14,
            decimal_places=12,
            min_value=Decimal("0.000000000001"),
            max_value=probes.MOST_USD,
        )

    @extend_schema(operation_id="probe_schedule_retrieve", responses=Output)
    def get(self, request: Request, slug: str) -> Response:
        """Show a team's schedule."""
        team = team_for(actor=actor_of(request), slug=slug)
        return Response(_shown(queries.schedule_of(team=team)))

    @extend_schema(operation_id="probe_schedule_update", request=Input, responses=Output)
    def put(self, request: Request, slug: str) -> Response:
        """Turn it on, or change it."""
        actor = actor_of(request)
        team = team_for(actor=actor, slug=slug)
        asked = read(self.Input, request)
        feature = feature_for(actor=actor, slug=asked.pop("feature"))
        if feature.team_id != team.pk:
            raise Invalid(
                "The schedule cannot be kept like this.",
                fields={"feature": f"{feature.slug} belongs to another team than {team.slug}."},
            )
        row = usecases.schedule(
            actor=actor,
            feature=feature,
            every_days=asked.pop("every_days"),
            wish=probes.Wish(model="", route="", **asked),
            now=timezone.now(),
        )
        return Response(_shown(row))

    @extend_schema(operation_id="probe_schedule_destroy", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Turn it off."""
        actor = actor_of(request)
        team = team_for(actor=actor, slug=slug)
        usecases.unschedule(actor=actor, team=team, now=timezone.now())
        return Response(status=204)


def _shown(row: ProbeSchedule | None) -> dict[str, object]:
    names = (name for name in Output().get_fields() if name not in ("is_on", "feature"))
    shown = {name: getattr(row, name, None) for name in names}
    return Output(
        {"is_on": row is not None, "feature": row.feature.slug if row else None} | shown
    ).data
