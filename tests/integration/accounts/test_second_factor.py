"""Authenticator apps, recovery codes, sessions, lockout: what protects an account, and that each step is audited."""

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from approvals.models import AuditEvent
from tests.factories import person

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    cache.clear()


@pytest.fixture
def operator() -> User:
    return person("operator", "operator")


def sign_in(client: Client, password: str = PASSWORD, name: str = "operator") -> Any:
    return client.post("/accounts/login/", {"login": name, "password": password})


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def with_an_app(client: Client) -> str:
    """Sign in, set up an authenticator app, and return its secret."""
    sign_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    secret = str(page.context["form"].secret)
    made = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert made.status_code == 302, made.content
    cache.clear()  # the code just used counts as used for its half minute
    return secret


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def verbs() -> list[str]:
    return list(AuditEvent.objects.filter(verb__startswith="account.").order_by("seq").values_list("verb", flat=True))


def test_with_an_app_the_password_alone_opens_nothing(operator: User) -> None:
    secret = with_an_app(Client())
    browser = Client()
    answer = sign_in(browser)
    assert answer["Location"].startswith("/accounts/2fa/authenticate/")
    assert not signed_in(browser)
    assert browser.get("/inbox/").status_code == 302
    browser.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert not signed_in(browser)
    browser.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert signed_in(browser)
    assert verbs() == [
        "account.signed_in",
        "account.second_factor_added",
        "account.second_factor_added",
        "account.second_factor_refused",
        "account.signed_in",
    ]


def test_a_copy_of_the_database_holds_no_secret_of_a_second_factor(operator: User) -> None:
    secret = with_an_app(Client())
    stored = [str(row.data) for row in Authenticator.objects.all()]
    assert len(stored) == 2
    assert all("enc:" in text for text in stored)
    assert not any(secret in text for text in stored)


def test_a_recovery_code_opens_once(operator: User) -> None:
    with_an_app(Client())
    row = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
    code = row.wrap().get_unused_codes()[0]
    for attempt in (True, False):
        browser = Client()
        sign_in(browser)
        browser.post("/accounts/2fa/authenticate/", {"code": code})
        assert signed_in(browser) is attempt


def test_the_app_is_not_taken_away_by_an_old_session(operator: User) -> None:
    client = Client()
    with_an_app(client)
    session = client.session
    for entry in session["account_authentication_methods"]:
        entry["at"] = time.time() - 301
    session.save()
    answer = client.post("/accounts/2fa/totp/deactivate/")
    assert answer["Location"].startswith(("/accounts/reauthenticate/", "/accounts/2fa/reauthenticate/"))
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists()


def test_ten_wrong_passwords_lock_the_name_for_a_while_even_for_the_right_one(operator: User) -> None:
    for _ in range(5):
        assert sign_in(Client(), "wrong-password").status_code == 200
    browser = Client()
    answer = sign_in(browser)
    assert not signed_in(browser)
    assert "too many" in answer.content.decode().lower()
    refused = AuditEvent.objects.filter(verb="account.sign_in_refused")
    assert refused.count() == 5
    assert refused[0].subject_id == str(operator.pk)


def test_what_was_typed_as_a_name_is_not_kept_unless_it_is_one(operator: User) -> None:
    sign_in(Client(), "wrong", name="my-pass-phrase-in-the-wrong-field")
    row = AuditEvent.objects.get(verb="account.sign_in_refused")
    assert "my-pass-phrase" not in f"{row.data} {row.subject_id} {row.actor}"


def test_a_person_sees_their_sessions_and_ends_the_others(operator: User) -> None:
    here, there = Client(), Client()
    sign_in(here, name="operator")
    there.post("/accounts/login/", {"login": "operator", "password": PASSWORD}, headers={"user-agent": "Elsewhere/1"})
    assert b"Elsewhere/1" in here.get("/accounts/sessions/").content
    here.post("/accounts/sessions/")
    assert here.get("/inbox/").status_code == 200
    assert there.get("/inbox/").status_code == 302


def test_where_a_second_factor_is_required_nothing_opens_before_there_is_one(operator: User, settings: object) -> None:
    settings.REQUIRE_SECOND_FACTOR = True  # type: ignore[attr-defined]
    client = Client()
    sign_in(client)
    assert client.get("/inbox/")["Location"] == "/accounts/2fa/"
    assert client.get("/accounts/2fa/").status_code == 200
    with_an_app(client)
    assert client.get("/inbox/").status_code == 200
