"""What stands around every page: the login wall, the headers, the request's id."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/inbox/", "/runs/", "/practice/", "/nowhere-but-signed-in/"])
def test_stranger_is_sent_to_the_sign_in_page(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code in (302, 404)
    if response.status_code == 302:
        assert response["Location"].startswith("/accounts/login/?next=")


def test_fragment_asked_for_without_sign_in_moves_the_whole_page(client: Client) -> None:
    response = client.get("/runs/", headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert response["HX-Redirect"].startswith("/accounts/login/")


def test_headers_that_every_page_carries(client: Client) -> None:
    response = client.get("/accounts/login/")
    policy = response["Content-Security-Policy"]
    for part in (
        "script-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "img-src 'self' data:",
        "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"


def test_request_id_is_made_or_kept_when_it_is_plain(client: Client) -> None:
    assert len(client.get("/healthz")["X-Request-ID"]) == 16
    assert client.get("/healthz", headers={"X-Request-ID": "abc-12345"})["X-Request-ID"] == "abc-12345"
    assert client.get("/healthz", headers={"X-Request-ID": "a\tb<script>"})["X-Request-ID"] != "a\tb<script>"


def test_nobody_signs_up(client: Client) -> None:
    response = client.post("/accounts/signup/", {"username": "new", "password1": "correct horse battery"})
    from django.contrib.auth.models import User

    assert not User.objects.filter(username="new").exists()
    assert response.status_code in (200, 403, 404)


@pytest.mark.django_db
def test_who_is_switched_off_is_told_so(client: Client) -> None:
    from django.contrib.auth.models import User

    User.objects.create_user("gone", password="correct horse battery", is_active=False)
    response = client.post("/accounts/login/", {"login": "gone", "password": "correct horse battery"}, follow=True)
    assert "This account is switched off" in response.content.decode()
