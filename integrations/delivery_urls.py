"""Pages of deliveries and notification settings; joined by integrations.urls."""

from django.urls import path

from integrations import delivery_views as views

urlpatterns = [
    path("deliveries/", views.deliveries, name="deliveries"),
    path("deliveries/<uuid:delivery_id>/retry/", views.retry, name="retry_delivery"),
    path("deliveries/<uuid:delivery_id>/discard/", views.discard, name="discard_delivery"),
    path("profile/notifications/", views.notifications, name="notifications"),
    path("profile/notifications/<str:name>/code/", views.link_code, name="link_code"),
    path("profile/notifications/links/<int:link_id>/unlink/", views.unlink_view, name="unlink"),
]
