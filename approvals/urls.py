"""People's pages of approvals. Every address needs a sign-in; the views ask what else is needed."""

from django.urls import path

from approvals import profile_views, views

app_name = "approvals"

urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/changes/", views.changes, name="changes"),
    path("inbox/<uuid:request_id>/", views.request_page, name="request"),
    path("inbox/<uuid:request_id>/decide/", views.decide, name="decide"),
    path("inbox/<uuid:request_id>/undo/", views.undo, name="undo"),
    path("inbox/<uuid:request_id>/take/", views.take, name="take"),
    path("notices/", profile_views.notices, name="notices"),
    path("notices/seen/", profile_views.notices_seen, name="notices_seen"),
    path("profile/theme/", profile_views.theme, name="theme"),
    path("profile/time-zone/", profile_views.time_zone, name="time_zone"),
]
