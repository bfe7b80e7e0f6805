"""After a decision: letting it stand, calling it wrong, finding out about a control, and the figures; by clicking."""

from typing import Any

from playwright.sync_api import expect

from approvals.controls import seed_control
from approvals.models import Label, StandingAnswer
from approvals.services import decide_request
from tests import desk as company
from tests.browser.conftest import no_overflow
from tests.desk import Desk


def _decided(desk: Desk, vote: str) -> Any:
    request = company.refund_waits(desk)
    user = desk["second-operator"]
    decide_request(request_id=request.pk, user=user, vote=vote, digest=request.action_digest, via="api")
    return request


def test_a_person_lets_a_no_stand_and_takes_it_back(browse: Any, desk: Desk) -> None:
    request, page = _decided(desk, "reject"), browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    page.get_by_text("Answer the same way for identical cases…").click()
    page.get_by_label("Why the same answer is right each time").fill("The shop settles these itself.")
    page.get_by_role("button", name="Let it stand").click()
    expect(page.get_by_text("It stands.").first).to_be_visible()
    page.get_by_text("This rejection was wrong…").click()
    page.get_by_label("Why it was wrong").select_option("wrong_record")
    page.get_by_role("button", name="Say so").click()
    expect(page.get_by_role("heading", name="Said later")).to_be_visible()
    assert Label.objects.filter(kind="override").count() == 1
    page.goto("/standing/")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Revoked. The next identical case").first).to_be_visible()
    assert StandingAnswer.objects.get().revoked_at is not None
    no_overflow(page)


def test_whoever_misses_a_control_is_told_and_the_figures_fit_a_phone(browse: Any, desk: Desk) -> None:
    _decided(desk, "approve")
    control, page = seed_control(team=desk.team, user=desk["admin"]), browse("second-operator")
    page.goto(f"/inbox/{control.pk}/")
    expect(page.get_by_text("was a control")).to_have_count(0)
    page.get_by_role("button", name="Approve").first.click()
    expect(page.get_by_text("you did not catch it").first).to_be_visible()
    page.goto(f"/inbox/{control.pk}/")
    expect(page.locator("#control")).to_contain_text("It was not caught.")
    phone = browse("manager", phone=True)
    for path in ("/reviewers/", "/reviewers/votes/?days=30", "/standing/"):
        phone.goto(path)
        no_overflow(phone)
    phone.goto("/reviewers/")
    expect(phone.get_by_text("0 of 1")).to_be_visible()
