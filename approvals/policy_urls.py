"""Addresses of the policy's workbench beside the rules themselves: arguments of a tool, replays, why an action was judged so."""

from django.urls import path

from approvals import policy_explain_views, policy_replay_views, policy_views

patterns = [
    path("policy/arguments/", policy_views.arguments, name="policy_arguments"),
    path("policy/replay/", policy_replay_views.replay_start, name="policy_replay_start"),
    path("policy/replay/<uuid:replay_id>/", policy_replay_views.replay, name="policy_replay"),
    path("policy/replay/<uuid:replay_id>/cancel/", policy_replay_views.replay_cancel, name="policy_replay_cancel"),
    path("policy/actions/<uuid:action_id>/", policy_explain_views.action, name="policy_action"),
]
