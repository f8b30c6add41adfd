"""REST resources of the deployments app."""

from django.urls import path

from deployments.api import advice

urlpatterns = [
    path("workloads", advice.Workloads.as_view(), name="api-workloads"),
    path(
        "features/<slug:slug>/workloads",
        advice.FeatureWorkloads.as_view(),
        name="api-feature-workloads",
    ),
    path("recommendations", advice.Recommendations.as_view(), name="api-recommendations"),
    path("recommendations/<int:pk>", advice.Recommendation.as_view(), name="api-recommendation"),
    path(
        "features/<slug:slug>/recommendations",
        advice.FeatureRecommendations.as_view(),
        name="api-feature-recommendations",
    ),
    path("catalog/models", advice.CatalogModels.as_view(), name="api-catalog-models"),
]
