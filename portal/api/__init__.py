"""REST resources of the portal app."""

from django.urls import path

from portal.api import activity, features, keys, people, teams

urlpatterns = [
    path("me", teams.Me.as_view(), name="api-me"),
    path("teams", teams.Teams.as_view(), name="api-teams"),
    path("teams/<slug:slug>", teams.Team.as_view(), name="api-team"),
    path("teams/<slug:slug>/members", teams.Members.as_view(), name="api-members"),
    path("teams/<slug:slug>/members/remove", teams.Removal.as_view(), name="api-member-remove"),
    path("roles", people.Roles.as_view(), name="api-roles"),
    path("roles/withdraw", people.Withdrawal.as_view(), name="api-role-withdraw"),
    path("invitations", people.Invitations.as_view(), name="api-invitations"),
    path("features", features.Features.as_view(), name="api-features"),
    path("features/<slug:slug>", features.Feature.as_view(), name="api-feature"),
    path("api-keys", keys.Keys.as_view(), name="api-keys"),
    path("api-keys/<slug:prefix>/revoke", keys.Revoke.as_view(), name="api-key-revoke"),
    path("activity", activity.Activity.as_view(), name="api-activity"),
]
