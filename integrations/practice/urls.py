"""The practice page: what the shop looks like and what agents changed. Behind sign-in like every page."""

from django.urls import URLPattern

app_name = "practice"
urlpatterns: list[URLPattern] = []
