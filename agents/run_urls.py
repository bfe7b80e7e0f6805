"""Addresses of runs; joined by agents.urls."""

from django.urls import path

from agents import run_views

urlpatterns = [
    path("runs/", run_views.runs, name="runs"),
    path("runs/<uuid:run_id>/", run_views.run, name="run"),
    path("runs/<uuid:run_id>/cancel/", run_views.cancel, name="cancel"),
    path("runs/<uuid:run_id>/retry/", run_views.retry, name="retry"),
]
