"""Pages of the deployments app."""

from django.urls import path

from deployments.views import advice

app_name = "deployments"
urlpatterns = [
    path("features/<slug:slug>/workload/", advice.workload, name="workload"),
    path(
        "features/<slug:slug>/workload/preview/", advice.workload_preview, name="workload_preview"
    ),
    path("features/<slug:slug>/options/", advice.options, name="options"),
    path("features/<slug:slug>/options/option/", advice.option, name="option"),
    path("features/<slug:slug>/advice-card/", advice.advice_card, name="advice_card"),
]
