"""The whole inbox without the mouse. A bare letter never decides, and keys are silent while someone types."""

from typing import Any

from playwright.sync_api import expect

from approvals.models import Decision
from tests import desk as company
from tests.desk import Desk


def test_move_approve_reject_and_undo(browse: Any, desk: Desk) -> None:
    requests = [company.refund_waits(desk, order=f"2087{n}") for n in range(4)]
    page = browse("second-operator")
    page.goto("/inbox/")
    card = page.locator("#card-pane")
    expect(card).to_have_attribute("data-request", str(requests[0].pk))
    page.keyboard.press("j")
    expect(card).to_have_attribute("data-request", str(requests[1].pk))
    page.keyboard.press("k")
    expect(card).to_have_attribute("data-request", str(requests[0].pk))
    page.keyboard.press("Control+Enter")
    expect(card).to_have_attribute("data-request", str(requests[1].pk))
    page.keyboard.press("r")
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    expect(card).to_have_attribute("data-request", str(requests[2].pk))
    requests[1].refresh_from_db()
    assert (requests[1].state, requests[1].answer) == ("rejected", "amount too high")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#undo")).to_contain_text("Approved")
    page.keyboard.press("z")
    expect(page.locator("#messages")).to_contain_text("Taken back")
    requests[2].refresh_from_db()
    assert requests[2].state == "open"


def test_no_bare_letter_decides(browse: Any, desk: Desk) -> None:
    company.refund_waits(desk)
    company.refund_waits(desk, order="2")
    page = browse("second-operator")
    page.goto("/inbox/")
    for key in "abcdefhijklmnopqrsuvwxyz0123456789":
        page.keyboard.press(key)
        page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert not Decision.objects.exists()


def test_keys_are_silent_while_typing(browse: Any, desk: Desk) -> None:
    first = company.refund_waits(desk)
    company.refund_waits(desk, order="2")
    page = browse("second-operator")
    page.goto("/inbox/")
    page.keyboard.press("/")
    page.keyboard.type("jkerzyn?.")
    expect(page.locator("[data-search]")).to_have_value("jkerzyn?.")
    expect(page.locator("#card-pane")).to_have_attribute("data-request", str(first.pk))
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.get_by_label("Amount").fill("")
    page.keyboard.type("jr9")
    expect(page.get_by_label("Amount")).to_have_value("jr9")


def test_a_key_acts_on_the_card_that_is_shown_and_not_on_one_that_is_coming(browse: Any, desk: Desk) -> None:
    first, second = company.refund_waits(desk), company.refund_waits(desk, order="2")
    page = browse("second-operator")
    page.goto("/inbox/")
    page.route(f"**/inbox/{second.pk}/*", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.keyboard.press("j")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#card-pane")).to_have_attribute("data-request", str(second.pk))
    assert not Decision.objects.exists()
    assert first.state == "open"


def test_going_places_and_the_sheet_of_keys(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("t")
    page.wait_for_url(f"**/runs/{request.run_id}/")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/inbox/")


def test_thirty_refunds_are_cleared_by_keys_alone(browse: Any, desk: Desk) -> None:
    requests = [company.refund_waits(desk, order=f"order-{n}") for n in range(30)]
    page = browse("second-operator")
    page.goto("/inbox/")
    for index, request in enumerate(requests):
        expect(page.locator("#card-pane:not([aria-busy=true])")).to_have_attribute("data-request", str(request.pk))
        page.keyboard.press("Control+Enter" if index % 3 else "r")
        if index % 3 == 0:
            page.keyboard.press("1")
            page.keyboard.press("Control+Enter")
    expect(page.locator(".cs-empty h1")).to_have_text("Nothing waits for you.")
    assert (
        Decision.objects.filter(vote="approve").count() == 20 and Decision.objects.filter(vote="reject").count() == 10
    )
