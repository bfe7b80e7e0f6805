"""The part of allauth that is used here. Nobody signs up by themselves, and no password goes by mail."""

from allauth.account import views
from django.urls import include, path

from config import sign_in_views

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", sign_in_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", sign_in_views.password_change, name="account_change_password"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
    path("sso/", include("allauth.socialaccount.urls")),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
