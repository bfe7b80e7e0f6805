"""Pages of events, sources and triggers; joined by integrations.urls."""

from django.urls import path

from integrations import event_views, source_views

urlpatterns = [
    path("events/", event_views.events, name="events"),
    path("events/<uuid:event_id>/", event_views.event, name="event"),
    path("events/<uuid:event_id>/correct/", event_views.correct, name="correct_event"),
    path("events/<uuid:event_id>/replay/", event_views.replay, name="replay_event"),
    path("events/<uuid:event_id>/discard/", event_views.discard, name="discard_event"),
    path("sources/", source_views.sources, name="sources"),
    path("sources/new/", source_views.new_source, name="new_source"),
    path("sources/<str:name>/", source_views.source, name="source"),
    path("sources/<str:name>/edit/", source_views.edit_source, name="edit_source"),
    path("sources/<str:name>/secret/", source_views.secret, name="source_secret"),
    path("sources/<str:name>/retire/", source_views.retire, name="retire_source"),
    path("sources/<str:name>/test/", source_views.test, name="test_source"),
    path("sources/<str:name>/triggers/new/", source_views.new_trigger, name="new_trigger"),
    path("sources/<str:name>/triggers/<int:trigger_id>/", source_views.edit_trigger, name="trigger"),
    path(
        "sources/<str:name>/triggers/<int:trigger_id>/retire/", source_views.retire_trigger_view, name="retire_trigger"
    ),
]
