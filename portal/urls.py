"""Every address of the portal; apps join by name only."""

from django.urls import include, path
from django.views.generic import RedirectView

from portal.views import account, features, health, home, people, reference, search, settings

pages = [
    path("", home.home, name="home"),
    path("tour/dismiss/", home.dismiss_tour, name="dismiss_tour"),
    path("features/", features.index, name="features"),
    path("features/new/", features.new, name="feature_new"),
    path("features/<slug:slug>/", features.overview, name="feature"),
    path("features/<slug:slug>/change/", features.change, name="feature_change"),
    path("features/<slug:slug>/activity/", features.activity, name="feature_activity"),
    path("activity/", home.activity, name="activity"),
    path("search/", search.search, name="search"),
    path("settings/", settings.index, name="settings"),
    path("settings/teams/", settings.teams, name="teams"),
    path("settings/teams/<slug:slug>/", settings.team, name="team"),
    path("settings/teams/<slug:slug>/members/", settings.set_member, name="set_member"),
    path("settings/teams/<slug:slug>/remove/", settings.remove_member, name="remove_member"),
    path("settings/members/", people.members, name="members"),
    path("settings/members/invite/", people.invite, name="invite"),
    path("settings/roles/grant/", people.grant, name="grant"),
    path("settings/roles/withdraw/", people.withdraw, name="withdraw"),
    path("settings/account/", account.account, name="account"),
    path("settings/keys/", account.keys, name="keys"),
    path("settings/keys/<slug:prefix>/revoke/", account.revoke, name="revoke_key"),
]
urlpatterns = [
    path("", include((pages, "portal"))),
    path("", include("billing.urls")),
    path("", include("deployments.urls")),
    path("", include("cascade.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("portal.api")),
    path("api/v1/", include("billing.api")),
    path("api/v1/", include("deployments.api")),
    path("api/v1/", include("cascade.api")),
    path("api/v1/<path:rest>", reference.nothing),
    path("api/schema/", reference.schema, name="api-schema"),
    path("api/docs/", reference.docs, name="api-docs"),
    path("health/live/", health.live, name="health-live"),
    path("health/ready/", health.ready, name="health-ready"),
    path("favicon.ico", RedirectView.as_view(url="/static/favicon.svg")),
]
handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.forbidden"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.failed"
