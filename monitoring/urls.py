"""The first page and the kill switch. What machines ask stands in monitoring.health."""

from django.urls import path

from monitoring import views

app_name = "monitoring"

urlpatterns = [
    path("", views.home, name="home"),
    path("halts/", views.halts, name="halts"),
    path("halts/engage/", views.engage, name="engage"),
    path("halts/<uuid:halt_id>/release/", views.release, name="release"),
]
