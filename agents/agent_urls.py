"""Addresses of agents and of model providers; joined by agents.urls."""

from django.urls import path

from agents import provider_views, views

urlpatterns = [
    path("agents/", views.agents, name="agents"),
    path("agents/new/", views.create, name="create"),
    path("agents/<slug:name>/", views.agent, name="agent"),
    path("agents/<slug:name>/versions/", views.versions, name="versions"),
    path("agents/<slug:name>/versions/<int:number>/", views.version, name="version"),
    path("agents/<slug:name>/edit/", views.edit, name="edit"),
    path("agents/<slug:name>/start/", views.start, name="start"),
    path("agents/<slug:name>/halt/", views.halt, name="halt"),
    path("agents/<slug:name>/release/", views.release, name="release"),
    path("agents/<slug:name>/switch/", views.switch, name="switch"),
    path("providers/", provider_views.providers, name="providers"),
    path("providers/new/", provider_views.create, name="provider_create"),
    path("providers/<slug:name>/", provider_views.provider, name="provider"),
    path("providers/<slug:name>/try/", provider_views.attempt, name="provider_try"),
]
