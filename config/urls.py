"""The site map.

/healthz /readyz /metrics    machines, no sign-in (metrics behind a token)
/hooks/<source>/             other systems, by signature
/slack/                      Slack, by signature
/api/v1/                     programs, by bearer token
/accounts/                   sign-in
everything else              people who are signed in
"""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("monitoring.health")),
    path("accounts/", include("config.sign_in_urls")),
    path("", include("monitoring.urls")),
    path("", include("approvals.urls")),
    path("", include("agents.urls")),
    path("", include("integrations.urls")),
    path("hooks/", include("integrations.webhooks.urls")),
    path("slack/", include("integrations.channels.slack.urls")),
    path("practice/", include("integrations.practice.urls")),
    path("api/", include("config.api")),
]
