"""Pages of connections; joined by integrations.urls."""

from django.urls import path

from integrations import channel_views
from integrations import connection_views as views

urlpatterns = [
    path("connections/", views.connections, name="connections"),
    path("connections/new/", views.new_connection, name="new_connection"),
    path("connections/new/<str:kind>/", channel_views.new_channel, name="new_channel"),
    path("connections/<str:name>/", views.connection, name="connection"),
    path("connections/<str:name>/edit/", views.edit_connection, name="edit_connection"),
    path("connections/<str:name>/test/", views.test_connection, name="test_connection"),
    path("connections/<str:name>/retire/", views.retire, name="retire_connection"),
    path("connections/<str:name>/tools/<str:tool>/", views.tool, name="connection_tool"),
]
