"""An operator works the hand-off desk: takes one over, asks the agent on an approval, gives one back, closes another."""

from typing import Any

from playwright.sync_api import Page, expect

from agents.asking import answer_one
from agents.models import Run
from approvals.models import Remark, Request
from tests import desk as company
from tests.desk import Desk


def test_takes_a_hand_off_gives_it_back_and_closes_another_with_a_result(browse: Any, desk: Desk) -> None:
    back, closed = company.hand_off_waits(desk), company.hand_off_waits(desk, "Parcel 77 was opened on its way.")
    for request in (back, closed):
        _escalated(request)
    page = browse("operator")
    page.goto("/desk/")
    page.locator(f"#work-{back.pk}").get_by_role("button", name="Take over").click()
    expect(page.locator(f"#work-{back.pk}")).to_contain_text("taken")
    page.get_by_role("link", name="Mine").click()
    expect(page.locator("#desk-rows tbody tr")).to_have_count(1)
    page.get_by_role("link", name=back.title).click()
    page.get_by_label("Priority").select_option("urgent")
    expect(page.locator("#desk-panel .cs-facts")).to_contain_text("urgent")
    page.get_by_label("Instruction or result").fill("Go on, our lawyer knows.")
    page.get_by_role("button", name="Give back with this instruction").click()
    expect(page.locator("#card-pane")).to_have_attribute("data-request", str(closed.pk))
    assert Run.objects.get(pk=str(back.run_id)).state == "queued"
    page.get_by_label("Result", exact=True).select_option("cannot_be_done")
    page.get_by_label("Instruction or result").fill("The parcel is lost.")
    page.get_by_role("button", name="Close with this result").click()
    expect(page.locator(".cs-empty h1")).to_be_visible()
    closed.refresh_from_db()
    assert (closed.state, closed.result_code, closed.progress) == ("resolved", "cannot_be_done", "done")
    page.goto("/desk/?status=done")
    expect(page.locator("#desk-rows")).to_contain_text("cannot be done")


def test_asks_the_agent_on_an_approval_and_the_answer_comes_by_itself(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    page: Page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    box = page.get_by_label("Question or note")
    box.fill("What did the customer write? <img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Ask refund-clerk").click()
    expect(page.locator("#remarks-list")).to_contain_text("asked; the answer comes by itself")
    box.fill("I am still typing a note")
    assert answer_one()
    expect(page.locator("#remarks-list .cs-fence")).to_contain_text("refund-clerk claims", timeout=9000)
    expect(page.locator("#remarks-list .cs-fence")).to_contain_text("offline model")
    expect(box).to_have_value("I am still typing a note")
    page.get_by_role("button", name="Leave a note").click()
    expect(page.locator("#remarks-list")).to_contain_text("I am still typing a note")
    assert Remark.objects.count() == 3
    page.get_by_role("button", name="Approve €640.00").click()
    expect(page.locator("#undo")).to_contain_text("Approved")


def _escalated(request: Request) -> None:
    """Bring its run to where a hand-off leaves it."""
    for state in ("running", "escalated"):
        Run.objects.filter(pk=str(request.run_id)).update(state=state)
