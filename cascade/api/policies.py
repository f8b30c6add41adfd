"""REST: a cascade's policies, the draft of the next one, and what is rolled out."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cascade.models import Rollout as RolloutRow
from cascade.queries import cascades as queries
from cascade.usecases import policies as usecases
from cascade.usecases import rollouts
from portal.errors import Invalid, NotFound
from portal.rest import actor_of, pagination, read

STEPS = ("canary", "stop", "live", "rollback")
NOTE: dict[str, Any] = {"max_length": usecases.LONGEST_NOTE, "required": False, "allow_blank": True}


class PolicyOutput(serializers.Serializer):
    """A published policy; it never changes."""

    number = serializers.IntegerField()
    body = serializers.DictField(help_text="The policy; see the guide for its fields.")
    note = serializers.CharField()
    replay = serializers.IntegerField(
        source="replay_id", allow_null=True, help_text="The replay it was published with."
    )
    made_by = serializers.CharField()
    made_at = serializers.DateTimeField()


class DraftOutput(serializers.Serializer):
    """The one policy that may be edited."""

    body = serializers.DictField()
    note = serializers.CharField()
    edition = serializers.IntegerField(help_text="How often it was edited.")
    updated_by = serializers.CharField()
    updated_at = serializers.DateTimeField()


class DraftInput(serializers.Serializer):
    """A policy to keep as the draft."""

    body = serializers.DictField(help_text="The policy.")
    note = serializers.CharField(**NOTE)
    edition = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=2**31 - 1,
        help_text="The draft's that was edited (0: there was none); left out, it is overwritten.",
    )


class Draft(APIView):
    """The draft of a cascade's next policy."""

    @extend_schema(operation_id="cascade_draft_retrieve", responses=DraftOutput)
    def get(self, request: Request, slug: str) -> Response:
        """Show the draft."""
        row = queries.cascade_for(actor=actor_of(request), slug=slug)
        draft = queries.draft_of(cascade=row)
        if draft is None:
            raise NotFound(f"{row.slug} has no draft.")
        return Response(DraftOutput(draft).data)

    @extend_schema(operation_id="cascade_draft_update", request=DraftInput, responses=DraftOutput)
    def put(self, request: Request, slug: str) -> Response:
        """Keep a policy as the draft; targets are resolved to what will be called."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        asked = read(DraftInput, request)
        made = usecases.save_draft(actor=actor, cascade=row, **asked, now=timezone.now())
        return Response(DraftOutput(made).data)

    @extend_schema(operation_id="cascade_draft_destroy", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Throw the draft away."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        usecases.drop_draft(actor=actor, cascade=row, now=timezone.now())
        return Response(status=204)


class PublishInput(serializers.Serializer):
    """Why the draft becomes a policy."""

    note = serializers.CharField(**NOTE)


class Policies(APIView):
    """A cascade's policies: list them, publish the draft."""

    @extend_schema(
        operation_id="cascade_policies_list", responses=pagination.schema_of(PolicyOutput)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List a cascade's policies, newest first."""
        row = queries.cascade_for(actor=actor_of(request), slug=slug)
        return pagination.page(
            request, queries.policies(cascade=row), PolicyOutput, order=("-number",)
        )

    @extend_schema(
        operation_id="cascade_policies_publish",
        request=PublishInput,
        responses={201: PolicyOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make the draft the next policy; all but the first need a replay of exactly this draft."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        asked = read(PublishInput, request)
        made = usecases.publish(actor=actor, cascade=row, **asked, now=timezone.now())
        return Response(PolicyOutput(made).data, status=201)


class Policy(APIView):
    """One policy."""

    @extend_schema(operation_id="cascade_policies_retrieve", responses=PolicyOutput)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Show one published policy."""
        row = queries.cascade_for(actor=actor_of(request), slug=slug)
        return Response(PolicyOutput(queries.policy_for(cascade=row, number=number)).data)


class RolloutOutput(serializers.Serializer):
    """Which policies answer from a moment on."""

    step = serializers.CharField(help_text="live, canary, rollback or tighten.")
    live = serializers.IntegerField(source="live.number")
    canary = serializers.IntegerField(source="canary.number", default=None, allow_null=True)
    canary_share = serializers.FloatField()
    why = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()


class RolloutInput(serializers.Serializer):
    """What to do: start or stop a canary, let it go live, or go back."""

    step = serializers.ChoiceField(choices=STEPS)
    policy = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="Needed but to stop a canary."
    )
    share = serializers.FloatField(
        required=False,
        min_value=rollouts.LEAST_SHARE,
        max_value=rollouts.MOST_SHARE,
        help_text="Of requests; needed for a canary.",
    )
    why = serializers.CharField(**NOTE)


class Rollouts(APIView):
    """What is rolled out: list it, change it."""

    @extend_schema(
        operation_id="cascade_rollouts_list", responses=pagination.schema_of(RolloutOutput)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List what was rolled out, newest first."""
        row = queries.cascade_for(actor=actor_of(request), slug=slug)
        return pagination.page(
            request, queries.rollouts(cascade=row), RolloutOutput, order=("-at", "-pk")
        )

    @extend_schema(
        operation_id="cascade_rollouts_create",
        request=RolloutInput,
        responses={201: RolloutOutput},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Give a policy a share of the requests, all of them, or go back to an earlier one."""
        actor = actor_of(request)
        row = queries.cascade_for(actor=actor, slug=slug)
        asked = read(RolloutInput, request)
        made = _rolled(asked, {"actor": actor, "cascade": row, "now": timezone.now()})
        return Response(RolloutOutput(made).data, status=201)


def _rolled(asked: dict[str, Any], whose: dict[str, Any]) -> RolloutRow:
    why, step = asked.get("why", ""), asked["step"]
    if step == "stop":
        return rollouts.stop_canary(**whose, why=why)
    if "policy" not in asked:
        raise Invalid("Which policy?", fields={"policy": "This is needed."})
    number = asked["policy"]
    if step == "live":
        return rollouts.go_live(**whose, number=number, why=why)
    if step == "rollback":
        return rollouts.roll_back(**whose, number=number, why=why)
    if "share" not in asked:
        raise Invalid("How large is the canary?", fields={"share": "This is needed."})
    return rollouts.start_canary(**whose, number=number, share=asked["share"], why=why)
