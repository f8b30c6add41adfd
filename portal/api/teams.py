"""REST: who I am, teams, members."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access import Role
from portal.queries import people, team_for
from portal.queries import teams as teams_of
from portal.rest import actor_of, pagination, read
from portal.usecases import teams as usecases
from portal.usecases.naming import LONGEST_NAME, LONGEST_SLUG, WHAT_A_SLUG_IS


class Me(APIView):
    """The asker."""

    class Output(serializers.Serializer):
        """Who asks, and what they hold."""

        name = serializers.CharField()
        roles = serializers.ListField(child=serializers.CharField())
        teams = serializers.DictField(child=serializers.CharField(), help_text="slug: role")
        scopes = serializers.ListField(
            child=serializers.CharField(), allow_null=True, help_text="null: no limit"
        )

    @extend_schema(operation_id="me_retrieve", responses=Output)
    def get(self, request: Request) -> Response:
        """Show who I am, with my roles and this key's scopes."""
        actor = actor_of(request)
        mine = {team.pk: team.slug for team in teams_of(actor=actor)}
        me: dict[str, Any] = {
            "name": actor.name,
            "roles": sorted(role.value for role in actor.roles),
            "teams": {
                mine[team_id]: role.value
                for team_id, role in actor.team_roles.items()
                if team_id in mine
            },
            "scopes": None if actor.scopes is None else sorted(actor.scopes),
        }
        return Response(self.Output(me).data)


class TeamOutput(serializers.Serializer):
    """A team."""

    slug = serializers.CharField()
    name = serializers.CharField()
    cost_centre = serializers.CharField()
    created_at = serializers.DateTimeField()


class Teams(APIView):
    """Teams: list them, create one."""

    class Input(serializers.Serializer):
        """A new team."""

        slug = serializers.RegexField(
            r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
            max_length=LONGEST_SLUG,
            error_messages={"invalid": WHAT_A_SLUG_IS},
        )
        name = serializers.CharField(max_length=LONGEST_NAME)
        cost_centre = serializers.CharField(max_length=40, required=False, allow_blank=True)

    @extend_schema(operation_id="teams_list", responses=pagination.schema_of(TeamOutput))
    def get(self, request: Request) -> Response:
        """List the teams you may see, newest first."""
        return pagination.page(request, teams_of(actor=actor_of(request)), TeamOutput)

    @extend_schema(operation_id="teams_create", request=Input, responses={201: TeamOutput})
    def post(self, request: Request) -> Response:
        """Create a team."""
        asked = read(self.Input, request)
        team = usecases.create_team(actor=actor_of(request), **asked, now=timezone.now())
        return Response(TeamOutput(team).data, status=201)


class Team(APIView):
    """One team."""

    @extend_schema(operation_id="teams_retrieve", responses=TeamOutput)
    def get(self, request: Request, slug: str) -> Response:
        """Show a team."""
        return Response(TeamOutput(team_for(actor=actor_of(request), slug=slug)).data)


class MemberOutput(serializers.Serializer):
    """A person's role in a team."""

    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user")
    role = serializers.CharField()
    created_at = serializers.DateTimeField()


class Members(APIView):
    """The members of one team."""

    class Input(serializers.Serializer):
        """A person and the role to give."""

        email = serializers.EmailField(max_length=254)
        role = serializers.ChoiceField(choices=[Role.LEAD.value, Role.MEMBER.value])

    @extend_schema(operation_id="members_list", responses=pagination.schema_of(MemberOutput))
    def get(self, request: Request, slug: str) -> Response:
        """List a team's members, newest first."""
        actor = actor_of(request)
        found = people.members(actor=actor, team=team_for(actor=actor, slug=slug))
        return pagination.page(request, found, MemberOutput)

    @extend_schema(operation_id="members_create", request=Input, responses={201: MemberOutput})
    def post(self, request: Request, slug: str) -> Response:
        """Give a person a role in the team, or another one."""
        actor = actor_of(request)
        team = team_for(actor=actor, slug=slug)
        asked = read(self.Input, request)
        membership = usecases.set_member(actor=actor, team=team, **asked, now=timezone.now())
        return Response(MemberOutput(membership).data, status=201)


class Removal(APIView):
    """The end of a membership."""

    class Input(serializers.Serializer):
        """The person to take out."""

        email = serializers.EmailField(max_length=254)

    @extend_schema(operation_id="members_remove", request=Input, responses={204: None})
    def post(self, request: Request, slug: str) -> Response:
        """Take a person out of the team."""
        actor = actor_of(request)
        team = team_for(actor=actor, slug=slug)
        asked = read(self.Input, request)
        usecases.remove_member(actor=actor, team=team, **asked, now=timezone.now())
        return Response(status=204)
