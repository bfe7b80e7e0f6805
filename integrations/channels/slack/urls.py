"""What Slack calls; joined by config.urls under /slack/."""

from django.urls import path

from integrations.channels.slack import views

app_name = "slack"

urlpatterns = [
    path("interactions/<str:name>/", views.interactions, name="interactions"),
    path("commands/<str:name>/", views.commands, name="commands"),
]
