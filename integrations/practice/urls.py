"""The practice page: what the shop looks like and what agents changed. Behind sign-in like every page."""

from django.urls import path, re_path

from integrations.practice import views

app_name = "practice"
urlpatterns = [
    path("", views.home, name="home"),
    path("send/", views.send, name="send"),
    path("faults/", views.set_fault, name="fault"),
    re_path(r"^mail/(?P<pk>\d{1,18})/(?P<what>opened|clicked)/$", views.touch_mail, name="mail"),
    path("tickets/<str:number>/remind/", views.remind, name="remind"),
]
