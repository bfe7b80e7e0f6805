"""The first page and the kill switch. What machines ask stands in monitoring.health."""

from django.urls import path

from monitoring import reviewer_views, subject_views, views

app_name = "monitoring"

urlpatterns = [
    path("", views.home, name="home"),
    path("subjects/", subject_views.subjects, name="subjects"),
    path("subjects/<path:subject>/", subject_views.subject, name="subject"),
    path("reviewers/", reviewer_views.reviewers, name="reviewers"),
    path("reviewers/votes/", reviewer_views.votes, name="reviewer_votes"),
    path("halts/", views.halts, name="halts"),
    path("halts/engage/", views.engage, name="engage"),
    path("halts/<uuid:halt_id>/release/", views.release, name="release"),
]
