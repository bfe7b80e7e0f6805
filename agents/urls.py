"""People's pages of agents and their runs."""

from agents.agent_urls import urlpatterns as agent_patterns
from agents.run_urls import urlpatterns as run_patterns
from agents.undo.urls import urlpatterns as undo_patterns

app_name = "agents"

urlpatterns = [*agent_patterns, *run_patterns, *undo_patterns]
