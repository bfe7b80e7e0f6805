"""An admin loosens a rule in the browser; a second one signs it; the new version is in force."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from approvals.policy_versions import active_policy
from tests import desk as company
from tests.browser.countersigning import countersign

Browse = Callable[..., Page]


def test_an_admin_mends_a_condition_and_a_second_admin_signs_the_wider_policy(browse: Browse) -> None:
    before = active_policy().number
    page = browse("admin")
    page.goto("/policy/")
    page.get_by_role("link", name=company.REFUND).first.click()
    expect(page.get_by_role("heading", name="Rule 1")).to_be_visible()
    when = page.get_by_label("When (CEL)")
    when.fill("args.amount_minor > limit")
    expect(page.locator("#check .err")).to_have_text("limit")
    when.fill("args.amount_minor > 90000")
    expect(page.locator("#check")).to_contain_text("amount_minor is over 90000")
    page.get_by_role("button", name="Keep in the draft").click()
    expect(page.locator(".cs-tag", has_text="draft, 1 change")).to_be_visible()
    page.get_by_role("link", name=f"Save as v{before + 1}…").click()
    expect(page.get_by_text("No longer held to")).to_be_visible()
    page.get_by_label("Why").fill("Refunds up to 900 were always approved.")
    page.get_by_role("button", name="Ask a second admin").click()
    page.get_by_label("Password").fill(company.PASSWORD)
    page.get_by_role("button").first.click()
    expect(page.get_by_label("Why")).to_have_value("Refunds up to 900 were always approved.")
    page.get_by_role("button", name="Ask a second admin").click()
    expect(page.get_by_text("You started this")).to_be_visible()
    assert active_policy().number == before
    _sign(browse("second-admin"), page.url)
    assert active_policy().number == before + 1
    page.goto("/policy/")
    expect(page.get_by_text("amount_minor is over 90000")).to_be_visible()


def _sign(second: Page, url: str) -> None:
    second.goto(url)
    expect(second.get_by_text("amount_minor is over 90000").first).to_be_visible()
    countersign(second, url)


def test_without_javascript_the_same_draft_is_kept(browse: Browse) -> None:
    page = browse("admin", javascript=False)
    page.goto("/policy/?rule=1")
    page.get_by_label("When (CEL)").fill("args.amount_minor >")
    page.get_by_role("button", name="Keep in the draft").click()
    expect(page.get_by_role("alert").first).to_contain_text("ends too early")
    page.get_by_label("When (CEL)").fill("args.amount_minor > 40000")
    page.get_by_role("button", name="Keep in the draft").click()
    expect(page.locator(".cs-tag", has_text="draft, 1 change")).to_be_visible()


def test_a_call_is_tried_in_place(browse: Browse) -> None:
    page = browse("auditor")
    page.goto("/policy/")
    page.get_by_text("A call to try").click()
    page.locator("#try").get_by_label("Tool").fill(company.REFUND)
    page.locator("#try").get_by_label("Arguments", exact=True).fill('{"amount_minor": 64000}')
    page.get_by_role("button", name="Judge this call").click()
    expect(page.locator("#try")).to_contain_text("Rule 1 asks a person.")
    assert page.url.endswith("/policy/")
