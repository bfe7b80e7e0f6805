"""Every address of the product: who may come in without a sign-in, and that nothing changes without a CSRF token."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Machines ask these, or people before they have signed in; their own tests say who gets what.
OPEN = re.compile(r"^/(healthz|readyz|metrics|hooks/|slack/|api/|accounts/|static/)")
# Alive and ready, the sign-in itself, and how the API is called. Nothing of what people or agents do.
ANSWERS_STRANGERS = {
    "/healthz",
    "/readyz",
    "/accounts/login/",
    "/accounts/inactive/",
    "/accounts/sso/login/cancelled/",
    "/accounts/sso/login/error/",
    "/api/schema/",
}
# Signed by another system, or carrying a bearer token: a browser's cookie means nothing there.
WITHOUT_CSRF = re.compile(r"^/(hooks/|slack/|api/)")
_SAMPLES = {
    "uuid": "01900000-0000-7000-8000-000000000000",
    "int": "1",
    "slug": "some-name",
    "str": "some-name",
    "path": "a/b",
}


def _addresses() -> list[str]:
    return sorted({_filled(route) for route in _routes(get_resolver().url_patterns, "/")})


def _routes(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif "(?P" not in route:
            yield route


def _filled(route: str) -> str:
    return re.sub(r"<(?:(\w+):)?\w+>", lambda match: _SAMPLES.get(match.group(1) or "str", "some-name"), route)


@pytest.mark.django_db
@pytest.mark.parametrize("address", [found for found in _addresses() if not OPEN.match(found)])
def test_stranger_gets_nothing_but_the_way_to_the_sign_in(client: Client, address: str) -> None:
    for method in (client.get, client.post):
        response = method(address)
        assert response.status_code == 302, f"{method.__name__} {address}: {response.status_code}"
        assert response["Location"].startswith("/accounts/login/")


@pytest.mark.django_db
def test_a_stranger_reads_nothing_else(client: Client) -> None:
    """Every address that answers 200 without a sign-in stands in ANSWERS_STRANGERS."""
    answered = {found for found in _addresses() if OPEN.match(found) and client.get(found).status_code == 200}
    assert answered <= ANSWERS_STRANGERS, answered - ANSWERS_STRANGERS


@pytest.mark.django_db
@pytest.mark.parametrize("address", [found for found in _addresses() if not WITHOUT_CSRF.match(found)])
def test_nothing_is_posted_without_a_csrf_token(address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("root-like", password="x"))
    assert browser.post(address).status_code in (403, 405)


@pytest.mark.django_db
@pytest.mark.parametrize("address", [found for found in _addresses() if found.startswith("/api/")])
def test_api_knows_no_cookie(address: str) -> None:
    """A signed-in browser is nobody there, so no other site can make it act."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("root-like", password="x"))
    response = browser.post(address, content_type="application/json", data={})
    assert response.status_code in (401, 403, 404, 405)
