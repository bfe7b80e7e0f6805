"""At 390 px nothing is wider than the screen, and the action bar is within reach of a thumb."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests import desk as company
from tests.browser.conftest import no_overflow
from tests.desk import Desk

PATHS = [
    "/",
    "/inbox/",
    "/inbox/?tab=others",
    "/inbox/?tab=settled",
    "/runs/",
    "/agents/",
    "/agents/refund-clerk/",
    "/policy/",
    "/events/",
    "/sources/",
    "/connections/",
    "/practice/",
    "/people/",
    "/notices/",
    "/audit/",
    "/halts/",
    "/profile/",
    "/accounts/password/change/",
]


@pytest.fixture
def busy(desk: Desk) -> Desk:
    company.refund_waits(desk, reason="word" * 400, order="x" * 40)
    company.refund_waits(desk, amount_minor=600_000)
    company.question_waits(desk)
    company.hand_off_waits(desk)
    return desk


@pytest.mark.parametrize("path", PATHS)
def test_no_page_is_wider_than_the_phone(browse: Any, busy: Desk, path: str) -> None:
    for name in ("second-operator", "admin"):
        page = browse(name, phone=True)
        answer = page.goto(path)
        assert answer is not None and answer.status == 200
        no_overflow(page)


def test_every_kind_of_card_and_its_story_fit(browse: Any, busy: Desk) -> None:
    from approvals.models import Request

    page = browse("second-operator", phone=True)
    for request in Request.objects.all():
        for path in (
            f"/inbox/{request.pk}/",
            f"/inbox/{request.pk}/?do=edit",
            f"/inbox/{request.pk}/?do=reject",
            f"/runs/{request.run_id}/",
        ):
            page.goto(path)
            no_overflow(page)


def test_list_and_card_are_two_pages(browse: Any, busy: Desk) -> None:
    page = browse("second-operator", phone=True)
    page.goto("/inbox/")
    expect(page.locator("#card-pane")).to_be_hidden()
    page.locator("#rows a").first.click()
    expect(page.locator("#card-pane")).to_be_visible()
    expect(page.locator("#list-pane")).to_be_hidden()
    expect(page.locator("[data-main]")).to_be_in_viewport()
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("#list-pane")).to_be_visible()


def test_the_sign_in_page_fits(browse: Any, desk: Desk) -> None:
    page = browse("", phone=True)
    page.goto("/accounts/login/")
    no_overflow(page)
