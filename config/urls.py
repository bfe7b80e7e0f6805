"""The site map.

/healthz /readyz /metrics    machines, no sign-in (metrics behind a token)
/hooks/<source>/             other systems, by signature
/api/v1/                     programs, by bearer token
/accounts/                   sign-in
everything else              people who are signed in
"""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("monitoring.health")),
    path("accounts/", include("allauth.account.urls")),
]

for prefix, module in (
    ("", "monitoring.urls"),
    ("", "approvals.urls"),
    ("", "agents.urls"),
    ("", "integrations.urls"),
    ("hooks/", "integrations.webhooks.urls"),
    ("practice/", "integrations.practice.urls"),
    ("api/", "config.api"),
):
    if find_spec(module.rpartition(".")[0]) and find_spec(module):
        urlpatterns.append(path(prefix, include(module)))
