"""The REST API: each app's calls under /api/v1/, their description, and pages drawn from it."""

from django.urls import include, path

from config.api_docs import docs, schema

urlpatterns = [
    path("v1/", include("approvals.api")),
    path("v1/", include("agents.api")),
    path("v1/", include("integrations.api")),
    path("schema/", schema, name="api-schema"),
    path("docs/", docs, name="api-docs"),
]
