"""People's pages of agents and their runs."""

from agents.run_urls import urlpatterns as run_patterns

app_name = "agents"

urlpatterns = [*run_patterns]
