"""REST resources of the deployments app."""

urlpatterns: list = []
