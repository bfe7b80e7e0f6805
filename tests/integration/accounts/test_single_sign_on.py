"""Signing in with the company's own accounts: it opens accounts that an admin made, and nothing else."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from approvals.models import AuditEvent
from config.step_up import stepped_up
from tests.factories import person
from tests.issuer import CLIENT_ID, Issuer

pytestmark = pytest.mark.django_db


@pytest.fixture
def issuer(settings: object) -> Iterator[Issuer]:
    made = Issuer()
    settings.OIDC_ISSUER = made.url  # type: ignore[attr-defined]
    app = {"provider_id": "company", "name": "Company", "client_id": CLIENT_ID, "secret": "of-the-client"}
    app["settings"] = {"server_url": made.url}  # type: ignore[assignment]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}  # type: ignore[attr-defined]
    yield made
    made.close()


@pytest.fixture
def operator() -> User:
    user = person("operator", "operator")
    user.email = "operator@shop.example"
    user.save()
    return user


def come_back(client: Client, start: str = "/accounts/oidc/company/login/", **changed: str) -> Any:
    """Start at our button, be sent to the issuer, come back with its code."""
    sent = client.post(start)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent["Location"]).query).items()}
    assert asked["code_challenge_method"] == "S256"
    back = {"code": "a-code", "state": asked["state"], **changed}
    return client.get("/accounts/oidc/company/login/callback/", back)


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_verified_mail_address_opens_the_account_and_the_issuers_id_does_so_ever_after(
    client: Client, issuer: Issuer, operator: User
) -> None:
    issuer.claims = {"sub": "77", "email": "Operator@shop.example", "email_verified": True}
    come_back(client)
    assert client.session["_auth_user_id"] == str(operator.pk)
    assert issuer.seen[0]["client_secret"] == "of-the-client"
    assert issuer.seen[0]["code_verifier"]
    row = AuditEvent.objects.get(verb="account.signed_in")
    assert row.actor == "operator"
    other = Client()
    issuer.claims = {"sub": "77", "email": "renamed@shop.example", "email_verified": True}
    come_back(other)
    assert other.session["_auth_user_id"] == str(operator.pk)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "1", "email": "operator@shop.example", "email_verified": False},
        {"sub": "1", "email": "operator@shop.example"},
        {"sub": "1", "email": "operator@shop.example", "email_verified": "true"},
        {"sub": "1", "email": "stranger@shop.example", "email_verified": True},
        {"sub": "1", "email": "", "email_verified": True},
        {"sub": "1"},
    ],
)
def test_whom_no_admin_made_stays_outside_and_no_account_is_made(
    client: Client, issuer: Issuer, operator: User, claims: dict[str, object]
) -> None:
    issuer.claims = claims
    answer = come_back(client)
    assert not signed_in(client)
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/"
    assert b"An admin makes the account first" in client.get("/accounts/login/").content
    assert User.objects.count() == 1


def test_two_people_with_one_address_are_nobody(client: Client, issuer: Issuer, operator: User) -> None:
    twin = person("twin", "operator")
    User.objects.filter(pk=twin.pk).update(email=operator.email)
    issuer.claims = {"sub": "77", "email": operator.email, "email_verified": True}
    come_back(client)
    assert not signed_in(client)


def test_a_person_who_was_switched_off_stays_outside(client: Client, issuer: Issuer, operator: User) -> None:
    issuer.claims = {"sub": "77", "email": operator.email, "email_verified": True}
    come_back(client)
    User.objects.filter(pk=operator.pk).update(is_active=False)
    later = Client()
    come_back(later)
    assert not signed_in(later)


def test_an_answer_that_was_not_asked_for_is_refused(client: Client, issuer: Issuer, operator: User) -> None:
    issuer.claims = {"sub": "77", "email": operator.email, "email_verified": True}
    come_back(client, state="of-somebody-else")
    assert not signed_in(client)
    assert issuer.seen == []


def test_the_claim_may_be_the_name_where_the_installation_says_so(
    client: Client, issuer: Issuer, operator: User, settings: object
) -> None:
    settings.OIDC_MATCH = "preferred_username"  # type: ignore[attr-defined]
    issuer.claims = {"sub": "77", "preferred_username": "operator"}
    come_back(client)
    assert signed_in(client)


def test_who_has_only_the_company_account_shows_who_they_are_by_a_fresh_sign_in_there(
    client: Client, issuer: Issuer, operator: User
) -> None:
    operator.set_unusable_password()
    operator.save()
    issuer.claims = {"sub": "77", "email": operator.email, "email_verified": True}
    come_back(client)
    request = RequestFactory().get("/")
    request.user, request.session = operator, client.session
    assert stepped_up(request)
    for entry in request.session["account_authentication_methods"]:
        entry["at"] = time.time() - 301
    assert not stepped_up(request)


def from_long_ago(client: Client) -> None:
    """Make the sign-in of this browser older than what counts as fresh."""
    session = client.session
    for entry in session["account_authentication_methods"]:
        entry["at"] = time.time() - 301
    session.save()


def test_an_old_session_of_who_has_only_the_company_account_adds_no_factor_to_sign_with(
    client: Client, issuer: Issuer, operator: User
) -> None:
    """A stolen cookie would make itself a second factor, show that one, and sign what asks for a fresh sign-in."""
    operator.set_unusable_password()
    operator.save()
    issuer.claims = {"sub": "77", "email": operator.email, "email_verified": True}
    come_back(client)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
    from_long_ago(client)
    for path in ("totp/activate/", "webauthn/add/", "recovery-codes/generate/"):
        answer = client.get(f"/accounts/2fa/{path}")
        assert answer["Location"] == "/accounts/2fa/", path
    assert b"company account" in client.get("/accounts/2fa/").content
    come_back(client)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200


@pytest.mark.parametrize("has_password", [True, False])
def test_an_old_session_connects_no_other_company_account(
    client: Client, issuer: Issuer, operator: User, has_password: bool
) -> None:
    if not has_password:
        operator.set_unusable_password()
        operator.save()
    issuer.claims = {"sub": "77", "email": operator.email, "email_verified": True}
    come_back(client)
    from_long_ago(client)
    issuer.claims = {"sub": "of-the-thief", "email": "thief@shop.example", "email_verified": True}
    come_back(client, "/accounts/oidc/company/login/?process=connect")
    assert list(operator.socialaccount_set.values_list("uid", flat=True)) == ["77"]  # type: ignore[attr-defined]


def test_who_has_only_the_company_account_is_told_how_to_prove_who_they_are(
    client: Client, issuer: Issuer, operator: User
) -> None:
    operator.set_unusable_password()
    operator.save()
    issuer.claims = {"sub": "77", "email": operator.email, "email_verified": True}
    come_back(client)
    answer = client.get("/accounts/reauthenticate/?next=/inbox/", follow=True)
    assert "in again with it" in answer.content.decode()
    assert client.get("/accounts/password/change/")["Location"] == "/accounts/2fa/"
