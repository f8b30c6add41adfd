"""REST: requests as they were logged, their decisions, and people's verdicts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cascade.api.cascades import USD, whole
from cascade.domain.events import STATUSES
from cascade.queries import cascades
from cascade.queries import trials as queries
from cascade.usecases import verdicts as usecases
from cascade.usecases.policies import LONGEST_NOTE
from portal.errors import Invalid
from portal.rest import actor_of, pagination, read

WORDS = ("stage", "intent", "key")
FLAGS = ("short", "escalated", "labelled")
MOST_TO_REVIEW = 200


class TrialOutput(serializers.Serializer):
    """A request as it was logged."""

    uuid = serializers.UUIDField(help_text="Its decision id, as in the answer's header.")
    at = serializers.DateTimeField()
    key = serializers.CharField()
    policy = serializers.IntegerField()
    is_canary = serializers.BooleanField()
    status = serializers.CharField(help_text=f"{', '.join(STATUSES)}.")
    http = serializers.IntegerField()
    stage = serializers.CharField(help_text="Which answered; empty when none did.")
    intent = serializers.CharField()
    prompt = serializers.CharField(help_text="Empty when the policy keeps no texts.")
    answer = serializers.CharField()
    is_streamed = serializers.BooleanField()
    first_token_ms = serializers.IntegerField(allow_null=True)
    latency_ms = serializers.IntegerField()
    overhead_ms = serializers.FloatField()
    escalations = serializers.IntegerField()
    usd = serializers.DecimalField(**USD)
    shadow_usd = serializers.DecimalField(**USD)
    baseline_model = serializers.CharField()
    baseline_usd = serializers.DecimalField(**USD)


class AttemptOutput(serializers.Serializer):
    """One call of a model."""

    uuid = serializers.UUIDField()
    at = serializers.DateTimeField()
    number = serializers.IntegerField()
    role = serializers.CharField(help_text="stage, partner, judge, classifier or shadow.")
    stage = serializers.CharField()
    model = serializers.CharField()
    deployment = serializers.CharField()
    outcome = serializers.CharField()
    trouble = serializers.CharField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    usd = serializers.DecimalField(**USD)
    latency_ms = serializers.IntegerField()
    price_version = serializers.CharField()


class VerdictOutput(serializers.Serializer):
    """How good an answer was, 0 to 1, and who says so."""

    stage = serializers.CharField()
    quality = serializers.FloatField()
    origin = serializers.CharField(source="source", help_text="human, judge or shadow.")
    by = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField()


class LookOutput(serializers.Serializer):
    """One stage that was tried."""

    stage = serializers.CharField()
    model = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    threshold = serializers.FloatField(allow_null=True, help_text="Null for the last stage.")
    failed = serializers.CharField()
    findings = serializers.ListField(child=serializers.CharField())
    is_answer = serializers.BooleanField()
    usd = serializers.DecimalField(**USD)
    attempts = AttemptOutput(many=True)
    verdicts = VerdictOutput(many=True)


class DecisionOutput(serializers.Serializer):
    """A request with everything that led to its answer."""

    trial = TrialOutput()
    order = serializers.ListField(child=serializers.CharField(), help_text="Stages as planned.")
    reason = serializers.CharField()
    p_right = serializers.DictField(
        child=serializers.FloatField(), help_text="By stage, before any call."
    )
    highest = serializers.CharField(help_text="The highest stage that money allowed.")
    looks = LookOutput(many=True)
    others = AttemptOutput(many=True)
    asides = serializers.ListField(
        child=serializers.DictField(), help_text="What shadow and sampled judge said of it."
    )
    saved_usd = serializers.DecimalField(**USD)


class Trials(APIView):
    """A cascade's requests."""

    @extend_schema(
        operation_id="cascade_trials_list",
        parameters=[
            *(OpenApiParameter(name, str) for name in WORDS),
            OpenApiParameter("status", str, enum=STATUSES),
            OpenApiParameter("policy", {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}),
            *(OpenApiParameter(name, bool) for name in FLAGS),
        ],
        responses=pagination.schema_of(TrialOutput),
    )
    def get(self, request: Request, slug: str) -> Response:
        """List a cascade's requests, newest first."""
        row = cascades.cascade_for(actor=actor_of(request), slug=slug)
        found = queries.trials(cascade=row, asked=asked_of(request))
        return pagination.page(request, found, TrialOutput, order=queries.ORDER)


def asked_of(request: Request) -> queries.Asked:
    """Return the filters of a query. Raises Invalid."""
    query, fields = request.query_params, {}
    if "status" in query and query["status"] not in STATUSES:
        fields["status"] = f"The status is one of {', '.join(STATUSES)}."
    for name in FLAGS:
        if name in query and query[name] not in ("true", "false"):
            fields[name] = "This is true or false."
    if fields:
        raise Invalid("There are no such requests.", fields=fields)
    words: dict[str, Any] = {name: query.get(name, "")[:250].replace("\x00", "") for name in WORDS}
    words |= {name: query[name] == "true" for name in FLAGS if name in query}
    number = whole(request, "policy", usual=0, most=2**31 - 1) or None
    return queries.Asked(**words, status=query.get("status", ""), policy=number)


class Trial(APIView):
    """One request."""

    @extend_schema(operation_id="trials_retrieve", responses=DecisionOutput)
    def get(self, request: Request, uuid: UUID) -> Response:
        """Show a request with its whole decision."""
        row = queries.trial_for(actor=actor_of(request), uuid=uuid)
        return Response(DecisionOutput(queries.decision(trial=row)).data)


class VerdictInput(serializers.Serializer):
    """What you say of an answer."""

    quality = serializers.FloatField(min_value=0, max_value=1, help_text="0 wrong, 1 right.")
    stage = serializers.CharField(
        max_length=40, required=False, help_text="The one that answered when left out."
    )
    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)


class Verdicts(APIView):
    """Verdicts on one request."""

    @extend_schema(
        operation_id="trials_judge", request=VerdictInput, responses={201: VerdictOutput}
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Say how good an answer was; saying it again replaces what you said."""
        actor = actor_of(request)
        row = queries.trial_for(actor=actor, uuid=uuid)
        asked = read(VerdictInput, request)
        made = usecases.record_verdict(actor=actor, trial=row, **asked, now=timezone.now())
        return Response(VerdictOutput(made).data, status=201)


class ReviewOutput(serializers.Serializer):
    """Requests to judge next."""

    results = TrialOutput(many=True)


class Review(APIView):
    """What to judge next."""

    @extend_schema(
        operation_id="cascade_review",
        parameters=[
            OpenApiParameter(
                "most",
                {"type": "integer", "minimum": 1, "maximum": MOST_TO_REVIEW, "default": 50},
            )
        ],
        responses=ReviewOutput,
    )
    def get(self, request: Request, slug: str) -> Response:
        """List answers to judge: the narrowest passes, and as many drawn at random."""
        row = cascades.cascade_for(actor=actor_of(request), slug=slug)
        most = whole(request, "most", usual=50, most=MOST_TO_REVIEW)
        found = queries.to_review(cascade=row, now=timezone.now(), most=most)
        return Response(ReviewOutput({"results": found}).data)
