"""People's pages of approvals. Every address needs a sign-in; the views ask what else is needed."""

from django.urls import path

from approvals import audit_urls, card_views, desk_urls, people_views, policy_views, profile_views, views

app_name = "approvals"

urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/changes/", views.changes, name="changes"),
    path("inbox/<uuid:request_id>/", views.request_page, name="request"),
    path("inbox/<uuid:request_id>/decide/", views.decide, name="decide"),
    path("inbox/<uuid:request_id>/undo/", views.undo, name="undo"),
    path("inbox/<uuid:request_id>/take/", views.take, name="take"),
    path("inbox/<uuid:request_id>/looking/", card_views.looking, name="looking"),
    path("inbox/<uuid:request_id>/assign/", card_views.assign, name="assign"),
    path("inbox/<uuid:request_id>/give-back/", card_views.give_back, name="give_back"),
    path("inbox/<uuid:request_id>/snooze/", card_views.snooze, name="snooze"),
    path("inbox/<uuid:request_id>/look/", card_views.look_again, name="look_again"),
    path("inbox/<uuid:request_id>/look-up/", card_views.look_up, name="look_up"),
    *desk_urls.patterns,
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
    *audit_urls.patterns,
    path("people/", people_views.people, name="people"),
    path("people/new/", people_views.person_new, name="person_new"),
    path("people/<int:person_id>/", people_views.person, name="person"),
    path("people/teams/", people_views.team_new, name="team_new"),
    path("people/groups/", people_views.group_new, name="group_new"),
    path("people/groups/<slug:name>/", people_views.group, name="group"),
    path("people/groups/<slug:name>/delete/", people_views.group_delete, name="group_delete"),
    path(
        "people/groups/<slug:name>/<int:person_id>/remove/",
        people_views.group_remove_member,
        name="group_remove_member",
    ),
    path("profile/", people_views.profile, name="profile"),
    path("profile/tokens/<uuid:token_id>/revoke/", people_views.token_revoke, name="token_revoke"),
    path("profile/theme/", profile_views.theme, name="theme"),
    path("profile/time-zone/", profile_views.time_zone, name="time_zone"),
]
