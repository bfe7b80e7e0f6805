"""People's pages of approvals. Every address needs a sign-in; the views ask what else is needed."""

from django.urls import path

from approvals import policy_views, profile_views, views

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
    path("policy/", policy_views.policy, name="policy"),
    path("policy/rule/", policy_views.rule_put, name="policy_rule"),
    path("policy/rule/remove/", policy_views.rule_remove, name="policy_remove"),
    path("policy/condition/", policy_views.condition, name="policy_condition"),
    path("policy/try/", policy_views.attempt, name="policy_try"),
    path("policy/discard/", policy_views.draft_discard, name="policy_discard"),
    path("policy/save/", policy_views.save, name="policy_save"),
    path("policy/versions/", policy_views.versions, name="policy_versions"),
    path("policy/versions/<int:number>/", policy_views.version, name="policy_version"),
    path("policy/versions/<int:number>/return/", policy_views.version_return, name="policy_return"),
    path("profile/theme/", profile_views.theme, name="theme"),
    path("profile/time-zone/", profile_views.time_zone, name="time_zone"),
]
