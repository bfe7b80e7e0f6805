"""The card before two people: who looks, what stands in view, what Enter does not do, rows that come and go."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Decision, Request, Viewing
from approvals.services import decide_request
from tests import desk as company
from tests.desk import Desk


def test_all_ten_things_of_a_usual_refund_stand_in_view(desk: Desk, browse: Callable[..., Page]):
    for number, vote in enumerate(("approve", "approve", "reject")):
        past = company.refund_waits(desk, order=f"{number}", amount_minor=60_000 + number)
        decide_request(request_id=past.pk, user=desk["second-operator"], vote=vote, digest=past.action_digest)
    request = company.refund_waits(desk, reason="damaged on arrival")
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    bar = page.locator("#actions").bounding_box()
    assert bar
    for part in (".cs-effect", "#arguments", ".cs-why", "#evidence", ".cs-then", "#similar", ".cs-sign code >> nth=0"):
        box = page.locator(part).bounding_box()
        assert box and box["y"] + box["height"] <= bar["y"], part
    assert page.locator(".cs-sign code").first.inner_text().replace(" ", "") == request.action_digest


def test_two_people_see_each_other_look(desk: Desk, browse: Callable[..., Page]):
    request = company.refund_waits(desk)
    first, second = browse("second-operator"), browse("second-admin")
    first.goto(f"/inbox/{request.pk}/")
    second.goto(f"/inbox/{request.pk}/")
    expect(second.locator("#lookers")).to_contain_text("second-operator is looking")
    expect(first.locator("#lookers")).to_contain_text("second-admin is looking", timeout=15_000)
    assert Viewing.objects.get(user=desk["second-operator"]).looked_ms >= 4_000


def test_enter_in_an_argument_signs_nothing(desk: Desk, browse: Callable[..., Page]):
    request = company.refund_waits(desk)
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/?do=edit")
    field = page.get_by_label("Amount", exact=True)
    field.fill("600.00")
    field.press("Enter")
    page.wait_for_timeout(500)
    assert not Decision.objects.exists() and Request.objects.get().state == "open"
    expect(field).to_have_value("600.00")


@pytest.mark.parametrize("javascript", [True, False])
def test_rows_come_and_go_and_what_was_typed_stays(
    desk: Desk, browse: Callable[..., Page], monkeypatch: pytest.MonkeyPatch, javascript: bool
):
    line = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}
    monkeypatch.setitem(company.SCHEMA["properties"], "lines", {"type": "array", "items": line})
    request = company.refund_waits(desk, lines=[{"sku": "A"}])
    page = browse("second-operator", javascript=javascript)
    page.goto(f"/inbox/{request.pk}/?do=edit")
    page.locator('[name="arg-lines[0].sku"]').fill("AA")
    page.get_by_role("button", name="Add a row").click()
    page.locator('[name="arg-lines[1].sku"]').fill("B")
    expect(page.locator('[name="arg-lines[0].sku"]')).to_have_value("AA")
    page.get_by_role("button", name="Take out Lines 1").click()
    expect(page.locator('[name="arg-lines[0].sku"]')).to_have_count(0)
    expect(page.locator('[name="arg-lines[1].sku"]')).to_have_value("B")
    assert not Decision.objects.exists()
    page.get_by_role("button", name="Approve as edited").click()
    page.wait_for_timeout(800)
    following = Request.objects.get(state="approved")
    assert ["lines[0].sku", "A", "B"] in following.card["changes"]


def test_the_amount_is_typed_before_a_high_approval(desk: Desk, browse: Callable[..., Page]):
    request = company.refund_waits(desk, amount_minor=600_000)
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    button = page.locator("#actions [data-main]")
    expect(button).to_be_disabled()
    page.locator("#typed").fill("512")
    expect(button).to_be_disabled()
    page.locator("#typed").fill("6000.00")
    expect(button).to_be_enabled()
    assert not Decision.objects.exists()
