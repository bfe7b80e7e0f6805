"""People's pages of the edges. Every address needs a sign-in; the views ask what else is needed."""

from integrations import connection_urls, delivery_urls, event_urls

app_name = "integrations"

urlpatterns = [*connection_urls.urlpatterns, *event_urls.urlpatterns, *delivery_urls.urlpatterns]
