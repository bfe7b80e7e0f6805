"""Open to other systems, outside the sign-in: the signature is the way in. With and without the last slash."""

from django.urls import path

from integrations.webhooks.views import receive

urlpatterns = [
    path("<str:source>/", receive, name="hook"),
    path("<str:source>", receive),
]
