"""Signing what is of class high as a person does: the word or the amount typed, who they are shown again."""

from playwright.sync_api import Page, expect

from tests.desk import PASSWORD


def countersign(page: Page, url: str) -> None:
    """Open the card, type what it asks for, approve, sign in again on the way, and approve what stands there then."""
    page.goto(f"/accounts/reauthenticate/?next={url}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(lambda address: "/accounts/" not in address)
    typed = page.locator("#typed")
    typed.fill(typed.get_attribute("data-typed") or "approve")
    page.get_by_role("button", name="Approve").first.click()
    expect(page.locator("#status-line")).not_to_be_empty()
