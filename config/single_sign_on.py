"""Signing in with the company's own accounts (OpenID Connect). It opens accounts that an admin made; it makes none."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import redirect

UNKNOWN = "Nobody here has that account. An admin makes the account first, with the same mail address."


class SingleSignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Link a person by the claim that OIDC_MATCH names, once; after that the issuer's own id of the person counts."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Raise ImmediateHttpResponse, with a sentence for the person, when nobody here is meant."""
        if sociallogin.is_existing or request.user.is_authenticated:
            return
        person = person_of(sociallogin.account.extra_data)
        if person is None:
            messages.error(request, UNKNOWN)
            raise ImmediateHttpResponse(redirect("account_login"))
        sociallogin.connect(request, person)


def person_of(claims: dict[str, Any]) -> User | None:
    """Return the one active person that the issuer's claims name, or None. An unverified mail address names nobody."""
    told = {**claims, **claims.get("userinfo", {}), **claims.get("id_token", {})}
    value = told.get(settings.OIDC_MATCH)
    if not isinstance(value, str) or not value.strip():
        return None
    if settings.OIDC_MATCH != "email":
        return _only_one(username=value)
    return _only_one(email__iexact=value) if told.get("email_verified") is True else None


def _only_one(**which: str) -> User | None:
    found = list(User.objects.filter(is_active=True, **which)[:2])
    return found[0] if len(found) == 1 else None
