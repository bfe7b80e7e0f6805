"""The practice page: what the shop looks like and what agents changed. Behind sign-in like every page."""

from django.urls import path

from integrations.practice import views

app_name = "practice"
urlpatterns = [
    path("", views.home, name="home"),
    path("send/", views.send, name="send"),
    path("faults/", views.set_fault, name="fault"),
    path("mail/<int:pk>/<slug:what>/", views.touch_mail, name="mail"),
    path("tickets/<str:number>/remind/", views.remind, name="remind"),
]
