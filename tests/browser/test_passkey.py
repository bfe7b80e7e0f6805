"""A person makes a passkey and comes in with it: Chromium's own authenticator, our pages, no password."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from approvals.models import AuditEvent
from tests.desk import PASSWORD

Browse = Callable[..., Page]


@pytest.mark.django_db(transaction=True)
def test_a_passkey_is_made_and_opens_the_door(browse: Browse) -> None:
    page = browse("operator")
    give_it_an_authenticator(page)
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Unused codes")).to_be_visible()
    assert AuditEvent.objects.filter(verb="account.second_factor_added", actor="operator").count() == 2
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    row = AuditEvent.objects.get(verb="account.signed_in", actor="operator")
    assert row.data["by"] == ["mfa"]


def give_it_an_authenticator(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
