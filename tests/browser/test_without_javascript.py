"""Everything that matters works with plain links and forms."""

from typing import Any

from approvals.models import Decision, Request
from tests import desk as company
from tests.desk import Desk


def test_sign_in_read_approve_undo_and_sign_out(browse: Any, desk: Desk) -> None:
    first, second = company.refund_waits(desk), company.refund_waits(desk, order="20802", amount_minor=51_250)
    page = browse("", javascript=False)
    page.goto("/inbox/")
    page.get_by_label("Name").fill("second-operator")
    page.get_by_label("Password").fill(company.PASSWORD)
    page.locator("form .btn-primary").first.click()
    page.locator(f"#row-{second.pk} a").click()
    page.get_by_role("button", name="Approve €512.50").click()
    assert "Approved: Refund €512.50" in page.locator("#undo").inner_text()
    page.get_by_role("button", name="Undo").click()
    assert "Taken back" in page.locator("#messages").inner_text()
    second.refresh_from_db()
    assert second.state == "open" and first.state == "open"
    page.locator(".cs-side > .cs-side-foot").get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/inbox/")
    assert "/accounts/login/" in page.url


def test_reject_and_edit_open_as_pages(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    page = browse("second-operator", javascript=False)
    page.goto(f"/inbox/{request.pk}/")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Amount").fill("600.00")
    page.get_by_role("button", name="Approve as edited").click()
    assert Request.objects.exclude(pk=request.pk).get().money_minor == 60_000
    other = company.refund_waits(desk, order="2")
    page.goto(f"/inbox/{other.pk}/")
    page.get_by_role("link", name="Reject").click()
    page.get_by_label("no proof").check(force=True)
    page.get_by_role("button", name="Reject and tell the agent").click()
    assert Decision.objects.get(request=other).reason_code == "no_proof"


def test_halt_search_theme_and_the_sheet_of_keys(browse: Any, desk: Desk) -> None:
    company.refund_waits(desk)
    page = browse("second-operator", javascript=False)
    page.goto("/")
    page.get_by_role("link", name="Halt agents").click()
    page.get_by_label("Reason, seen by everybody").fill("Amounts look wrong.")
    page.locator("#halt button").click()
    assert "Amounts look wrong." in page.locator("#halt-strip").inner_text()
    page.goto("/inbox/?q=nothing-like-it")
    assert "The filter hides 1." in page.inner_text("#list-pane")
    page.goto("/inbox/#keys")
    assert page.locator("#keys").is_visible()
