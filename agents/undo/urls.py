"""Addresses of rollbacks; joined by agents.urls."""

from django.urls import path

from agents.undo import views

urlpatterns = [
    path("rollback/", views.rollbacks, name="rollbacks"),
    path("rollback/new/", views.new, name="rollback_new"),
    path("rollback/<uuid:rollback_id>/", views.rollback, name="rollback"),
    path("rollback/<uuid:rollback_id>/cancel/", views.cancel, name="rollback_cancel"),
]
