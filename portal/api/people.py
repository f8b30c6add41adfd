"""REST: invitations, and roles that hold everywhere."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access import EVERYWHERE
from portal.accounts import invitation_url
from portal.queries.people import roles_held
from portal.rest import actor_of, pagination, read
from portal.usecases import people, teams


class RoleOutput(serializers.Serializer):
    """A person's role in a team, or everywhere."""

    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user")
    role = serializers.CharField()
    team = serializers.CharField(source="team.slug", allow_null=True, default=None)


class RoleInput(serializers.Serializer):
    """A person and a role that holds everywhere."""

    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=[role.value for role in EVERYWHERE])


class Roles(APIView):
    """Who holds which role."""

    @extend_schema(operation_id="roles_list", responses=pagination.schema_of(RoleOutput))
    def get(self, request: Request) -> Response:
        """List the roles you may see: those of your teams, and those that hold everywhere."""
        found = roles_held(actor=actor_of(request))
        return pagination.page(request, found, RoleOutput, order=("user__email", "pk"))

    @extend_schema(operation_id="roles_create", request=RoleInput, responses={201: RoleOutput})
    def post(self, request: Request) -> Response:
        """Give a person a role that holds everywhere."""
        asked = read(RoleInput, request)
        membership = teams.grant(actor=actor_of(request), **asked, now=timezone.now())
        return Response(RoleOutput(membership).data, status=201)


class Withdrawal(APIView):
    """The end of a role."""

    @extend_schema(operation_id="roles_withdraw", request=RoleInput, responses={204: None})
    def post(self, request: Request) -> Response:
        """Take a role that holds everywhere from a person."""
        asked = read(RoleInput, request)
        teams.withdraw(actor=actor_of(request), **asked, now=timezone.now())
        return Response(status=204)


class Invitations(APIView):
    """Accounts for people who have none."""

    class Input(serializers.Serializer):
        """A person."""

        email = serializers.EmailField(max_length=150)
        name = serializers.CharField(max_length=people.LONGEST_PERSON)

    class Output(serializers.Serializer):
        """The invitation, with the link to choose a password, shown this once."""

        email = serializers.EmailField()
        name = serializers.CharField()
        link = serializers.CharField(allow_null=True)

    @extend_schema(operation_id="invitations_create", request=Input, responses={201: Output})
    def post(self, request: Request) -> Response:
        """Invite a person; hand over the link, with which they choose a password."""
        asked = read(self.Input, request)
        user = people.invite(actor=actor_of(request), **asked, now=timezone.now())
        invitation = {"email": user.email, "name": str(user), "link": invitation_url(user)}
        return Response(self.Output(invitation).data, status=201)
