"""Pages of the deployments app."""

from django.urls import path

from deployments.views import advice, detail, fleet, launch, moves, options, probes, traffic, workload

app_name = "deployments"
urlpatterns = [
    path("features/<slug:slug>/workload/", workload.workload, name="workload"),
    path("features/<slug:slug>/workload/preview/", workload.preview, name="workload_preview"),
    path("features/<slug:slug>/workload/trace/", workload.trace, name="workload_trace"),
    path("features/<slug:slug>/options/", options.options, name="options"),
    path("features/<slug:slug>/options/option/", options.option, name="option"),
    path("features/<slug:slug>/options/compare/", options.compare, name="options_compare"),
    path("features/<slug:slug>/options/print/", options.printable, name="options_print"),
    path("features/<slug:slug>/options/turns/", options.sensitivity, name="options_turns"),
    path("features/<slug:slug>/options/what-if/", options.what_if, name="options_what_if"),
    path("features/<slug:slug>/advice-card/", advice.advice_card, name="advice_card"),
    path("features/<slug:slug>/launch/", launch.launch, name="launch"),
    path("features/<slug:slug>/deployments/", fleet.of_feature, name="of_feature"),
    path("features/<slug:slug>/deployments-card/", fleet.feature_card, name="feature_card"),
    path("fleet/", fleet.fleet, name="fleet"),
    path("fleet/home-card/", fleet.home_card, name="home_card"),
    path("deployments/<slug:slug>/", detail.detail, name="detail"),
    path("deployments/<slug:slug>/status/", detail.status, name="status"),
    path("deployments/<slug:slug>/resize/", detail.resize, name="resize"),
    path("deployments/<slug:slug>/retire/", detail.retire, name="retire"),
    path("deployments/<slug:slug>/retry/", detail.retry, name="retry"),
    path("deployments/<slug:slug>/traffic/", traffic.traffic, name="traffic"),
    path("deployments/<slug:slug>/traffic/play/", traffic.play, name="traffic_play"),
    path("deployments/<slug:slug>/traffic/<int:run_id>/stop/", traffic.stop, name="traffic_stop"),
    path("features/<slug:slug>/moves-card/", moves.feature_card, name="moves_feature_card"),
    path("moves/", moves.moves, name="moves"),
    path("moves/home-card/", moves.home_card, name="moves_home_card"),
    path("moves/<int:move_id>/dismiss/", moves.dismiss, name="move_dismiss"),
    path("probes/", probes.probes, name="probes"),
    path("probes/new/", probes.new, name="probe_new"),
    path("probes/<int:probe_id>/", probes.probe, name="probe"),
    path("probes/<int:probe_id>/stop/", probes.stop, name="probe_stop"),
    path("teams/<slug:slug>/probes/", probes.schedule, name="probe_schedule"),
    path("teams/<slug:slug>/probes/off/", probes.unschedule, name="probe_unschedule"),
]
