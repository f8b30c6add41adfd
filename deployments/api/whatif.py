"""REST: the options of a feature at other figures; nothing is kept."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.workloads import Number
from deployments.domain.records import option_to_json
from deployments.queries import advice as queries
from deployments.usecases import whatif
from portal.errors import Conflict
from portal.queries import feature_for
from portal.rest import actor_of, read


class NothingCompared(Conflict):
    """The feature has no recommendation to start from."""

    code = "no-recommendation"


class WhatIfInput(serializers.Serializer):
    """Figures in place of the workload's own; what is left out stays as it is.

    Peak and burst grow with the mean load, 95th percentiles with the mean tokens.
    """

    mean_rps = Number(required=False, help_text="Requests/s on average.")
    input_tokens = Number(required=False, help_text="Input tokens a request, on average.")
    output_tokens = Number(required=False, help_text="Output tokens a request, on average.")
    latency_ms = Number(required=False, help_text="Milliseconds within which answers are to come.")
    quality_floor = Number(required=False, help_text="Points of the quality index; 0 is no floor.")


class WhatIfOutput(serializers.Serializer):
    """What would be chosen, beside what the newest recommendation chose."""

    recommendation = serializers.IntegerField(help_text="The recommendation it starts from.")
    pick = serializers.DictField(allow_null=True, help_text="The option that would be chosen.")
    launch_pick = serializers.CharField(help_text="Id of the best that a launch can build.")
    is_other = serializers.BooleanField(help_text="Whether the choice is another option.")
    more_usd = serializers.CharField(
        allow_null=True, help_text="USD a month more than the recommendation's pick costs."
    )
    feasible = serializers.IntegerField()
    compared = serializers.IntegerField()
    sentences = serializers.ListField(child=serializers.CharField())


class WhatIf(APIView):
    """Other figures for the same workload."""

    Input = WhatIfInput

    @extend_schema(operation_id="what_if", request=WhatIfInput, responses=WhatIfOutput)
    def post(self, request: Request, slug: str) -> Response:
        """Compare the options at other figures and today's prices; nothing is kept."""
        actor = actor_of(request)
        feature = feature_for(actor=actor, slug=slug)
        given = read(self.Input, request)
        found = queries.newest_recommendation(feature=feature)
        if found is None:
            raise NothingCompared("Nothing was compared yet: ask for a recommendation first.")
        answer = whatif.ask(recommendation=found, given=given, now=timezone.now())
        return Response(WhatIfOutput(_shown(found.pk, answer)).data)


def _shown(pk: int, answer: whatif.Answer) -> dict[str, Any]:
    said = (*answer.sentences, answer.kept_sentence, answer.launch_sentence)
    return {
        "recommendation": pk,
        "pick": option_to_json(answer.pick) if answer.pick else None,
        "launch_pick": answer.launch_pick.option_id if answer.launch_pick else "",
        "is_other": answer.is_other,
        "more_usd": answer.more_usd,
        "feasible": answer.feasible,
        "compared": answer.options,
        "sentences": [sentence for sentence in said if sentence],
    }
