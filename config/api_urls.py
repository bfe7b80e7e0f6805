"""The calls that the OpenAPI document describes, with their full addresses."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include(app)) for app in ("approvals.api", "agents.api", "integrations.api")]
