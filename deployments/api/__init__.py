"""REST resources of the deployments app."""

from django.urls import path

from deployments.api import (
    advice,
    capacity,
    deployments,
    inside,
    moves,
    plans,
    portfolio,
    probe_schedules,
    probes,
    traffic,
    whatif,
    workload_trace,
    workloads,
)

urlpatterns = [
    path("workloads", workloads.Workloads.as_view(), name="api-workloads"),
    path(
        "features/<slug:slug>/workloads",
        workloads.FeatureWorkloads.as_view(),
        name="api-feature-workloads",
    ),
    path(
        "features/<slug:slug>/workloads/from-trace",
        workload_trace.FeatureWorkloadTrace.as_view(),
        name="api-feature-workload-trace",
    ),
    path("recommendations", advice.Recommendations.as_view(), name="api-recommendations"),
    path("recommendations/<int:pk>", advice.Recommendation.as_view(), name="api-recommendation"),
    path(
        "recommendations/<int:pk>/sensitivity",
        advice.Sensitivity.as_view(),
        name="api-recommendation-sensitivity",
    ),
    path("features/<slug:slug>/what-if", whatif.WhatIf.as_view(), name="api-what-if"),
    path(
        "features/<slug:slug>/recommendations",
        advice.FeatureRecommendations.as_view(),
        name="api-feature-recommendations",
    ),
    path("capacity-plans", capacity.CapacityPlans.as_view(), name="api-capacity-plans"),
    path("capacity-plans/<int:pk>", capacity.CapacityPlan.as_view(), name="api-capacity-plan"),
    path(
        "capacity-plans/<int:pk>/again",
        capacity.CapacityPlanAgain.as_view(),
        name="api-capacity-plan-again",
    ),
    path(
        "capacity-plans/<int:pk>/endpoint",
        capacity.CapacityPlanEndpoint.as_view(),
        name="api-capacity-plan-endpoint",
    ),
    path("load-points", capacity.LoadPoints.as_view(), name="api-load-points"),
    path("portfolio-plans", portfolio.PortfolioPlans.as_view(), name="api-portfolio-plans"),
    path(
        "portfolio-plans/<int:pk>",
        portfolio.PortfolioPlan.as_view(),
        name="api-portfolio-plan",
    ),
    path("catalog/models", advice.CatalogModels.as_view(), name="api-catalog-models"),
    path("plans", plans.Plans.as_view(), name="api-plans"),
    path("deployments", deployments.Deployments.as_view(), name="api-deployments"),
    path("deployments/<slug:slug>", deployments.Deployment.as_view(), name="api-deployment"),
    path(
        "deployments/<slug:slug>/resize",
        deployments.Resize.as_view(),
        name="api-deployment-resize",
    ),
    path(
        "deployments/<slug:slug>/retire",
        deployments.Retire.as_view(),
        name="api-deployment-retire",
    ),
    path("deployments/<slug:slug>/retry", deployments.Retry.as_view(), name="api-deployment-retry"),
    path(
        "deployments/<slug:slug>/resources",
        inside.Resources.as_view(),
        name="api-deployment-resources",
    ),
    path("deployments/<slug:slug>/events", inside.Events.as_view(), name="api-deployment-events"),
    path(
        "deployments/<slug:slug>/snippet", inside.Snippet.as_view(), name="api-deployment-snippet"
    ),
    path("traffic-runs", traffic.TrafficRuns.as_view(), name="api-traffic-runs"),
    path("traffic-runs/<int:run_id>", traffic.TrafficRun.as_view(), name="api-traffic-run"),
    path("traffic-runs/<int:run_id>/stop", traffic.Stop.as_view(), name="api-traffic-run-stop"),
    path("moves", moves.Moves.as_view(), name="api-moves"),
    path("moves/<int:move_id>", moves.Move.as_view(), name="api-move"),
    path("moves/<int:move_id>/dismiss", moves.Dismiss.as_view(), name="api-move-dismiss"),
    path("probe-plans", probes.Plans.as_view(), name="api-probe-plans"),
    path("probes", probes.Probes.as_view(), name="api-probes"),
    path("probes/<int:probe_id>", probes.Probe.as_view(), name="api-probe"),
    path("probes/<int:probe_id>/stop", probes.Stop.as_view(), name="api-probe-stop"),
    path(
        "teams/<slug:slug>/probe-schedule",
        probe_schedules.Schedule.as_view(),
        name="api-probe-schedule",
    ),
]
