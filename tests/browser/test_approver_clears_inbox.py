"""An approver clears the inbox with the mouse: approve, undo, edit, reject, answer, and two people at once."""

from typing import Any

from playwright.sync_api import expect

from approvals.models import Request
from tests import desk as company
from tests.desk import Desk


def test_approve_moves_to_the_next_and_can_be_undone(browse: Any, desk: Desk) -> None:
    first, second = company.refund_waits(desk), company.refund_waits(desk, order="20802", amount_minor=51_250)
    page = browse("second-operator")
    page.goto("/inbox/")
    page.get_by_role("button", name="Approve €640.00").click()
    expect(page.locator("#card-pane")).to_have_attribute("data-request", str(second.pk))
    expect(page.locator(f"#row-{first.pk}")).to_have_count(0)
    expect(page.locator("#inbox-count")).to_have_text("1")
    expect(page).to_have_title("(1) Inbox · Countersign")
    expect(page.locator("#undo")).to_contain_text("Approved: Refund €640.00 for order 20871")
    assert page.url.endswith(f"/inbox/{second.pk}/")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("Taken back")
    first.refresh_from_db()
    assert first.state == "open"


def test_reject_with_a_reason_and_the_last_one_leaves_an_empty_inbox(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    page = browse("second-operator")
    page.goto("/inbox/")
    page.get_by_role("link", name="Reject").click()
    page.get_by_text("amount too high").click()
    page.get_by_label("Reason in your words").fill("Propose €320.00.")
    page.get_by_role("button", name="Reject and tell the agent").click()
    expect(page.locator(".cs-empty h1")).to_have_text("Nothing waits for you.")
    request.refresh_from_db()
    assert (request.state, request.answer) == ("rejected", "amount too high. Propose €320.00.")


def test_edit_downward_and_approve(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Amount").fill("6,0")
    page.get_by_role("button", name="Approve as edited").click()
    expect(page.locator(".cs-error")).to_contain_text("Write an amount like 640.00")
    page.get_by_label("Amount").fill("600.00")
    page.get_by_role("button", name="Approve as edited").click()
    expect(page.locator("#undo")).to_contain_text("€600.00")
    assert Request.objects.exclude(pk=request.pk).get().state == "approved"


def test_the_second_of_two_deciders_reads_who_was_first(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    one, two = browse("second-operator"), browse("second-admin")
    for page in (one, two):
        page.goto(f"/inbox/{request.pk}/")
    one.get_by_role("button", name="Approve €640.00").click()
    expect(one.locator("#undo")).to_contain_text("Approved")
    two.get_by_role("button", name="Approve €640.00").click()
    expect(two.locator("#refusal")).to_contain_text("second-operator approved this")
    expect(two.locator("#refusal")).to_contain_text("Your vote was not counted")
    expect(two.get_by_role("button", name="Approve")).to_have_count(0)
    assert request.decisions.count() == 1


def test_new_requests_are_announced_and_never_move_the_list(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    page = browse("second-operator")
    page.goto("/inbox/")
    before = page.locator(f"#row-{request.pk}").bounding_box()
    company.refund_waits(desk, order="20999", amount_minor=700_000)
    expect(page.locator("#new-pill")).to_contain_text("1 new, show them", timeout=9000)
    assert page.locator("#rows > li").count() == 1
    assert page.locator("#card-pane").get_attribute("data-request") == str(request.pk)
    page.locator("#new-pill").click()
    expect(page.locator("#rows > li")).to_have_count(2)
    assert page.locator("#card-pane").get_attribute("data-request") == str(request.pk)
    assert before is not None


def test_what_others_decide_greys_out_in_place(browse: Any, desk: Desk) -> None:
    first, second = company.refund_waits(desk), company.refund_waits(desk, order="20802")
    page, other = browse("second-operator"), browse("second-admin")
    page.goto(f"/inbox/{first.pk}/")
    other.goto(f"/inbox/{second.pk}/")
    other.get_by_role("button", name="Approve €640.00").click()
    expect(page.locator(f"#row-{second.pk}")).to_have_class("cs-item gone", timeout=9000)
    expect(page.locator(f"#row-{second.pk}")).to_contain_text("approved by second-admin")
    assert page.locator("#rows > li").count() == 2


def test_high_class_asks_for_the_amount_and_for_the_password(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk, amount_minor=600_000)
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    approve = page.locator("[data-main]")
    expect(approve).to_be_disabled()
    page.get_by_label("Type 6000.00 to approve").fill("6000")
    approve.click()
    page.get_by_label("Password").fill(company.PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Type 6000.00 to approve").fill("6,000.00")
    page.locator("[data-main]").click()
    expect(page.locator("#messages")).to_contain_text("1 more needed")
    assert request.decisions.count() == 1


def test_a_question_is_answered_and_a_hand_off_is_taken(browse: Any, desk: Desk) -> None:
    question, hand_off = company.question_waits(desk), company.hand_off_waits(desk)
    page = browse("operator")
    page.goto(f"/inbox/{question.pk}/")
    page.get_by_label("Answer", exact=True).fill("Invoice 4402.")
    page.get_by_role("button", name="Answer Ctrl").click()
    expect(page.locator("#card-pane")).to_have_attribute("data-request", str(hand_off.pk))
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("#actions")).to_contain_text("You have it.")
    question.refresh_from_db()
    assert question.answer == "Invoice 4402."


def test_a_flood_of_new_requests_never_changes_what_is_approved(browse: Any, desk: Desk) -> None:
    """T9: while new ones pour in, every approval is of the card that stood there."""
    for number in range(6):
        company.refund_waits(desk, order=f"first-{number}")
    page = browse("second-operator")
    page.goto("/inbox/")
    for number in range(5):
        shown, title = page.locator("#card-pane").get_attribute("data-request"), page.locator(".cs-effect").inner_text()
        for copy in range(8):
            company.refund_waits(desk, order=f"flood-{number}-{copy}", amount_minor=600_000)
        page.locator("[data-main]").click()
        expect(page.locator("#card-pane")).not_to_have_attribute("data-request", str(shown))
        decided = Request.objects.get(pk=str(shown))
        assert (decided.state, decided.title) == ("approved", title)
    assert Request.objects.filter(state="approved").count() == 5
