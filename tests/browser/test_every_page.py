"""Every page of the product: nothing wider than the window, nothing that axe-core calls serious, for each role and look."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Request
from tests import desk as company
from tests.browser.axe import grave_issues, look_with_axe
from tests.browser.conftest import overflow
from tests.browser.every_page import addresses, for_deciders, things_of
from tests.desk import Desk

ROLES = ("second-operator", "manager", "admin", "auditor")


@pytest.fixture
def signing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that signs checkpoints."""
    settings.AUDIT_KEY = "env:AUDIT_TEST_KEY"
    monkeypatch.setenv("AUDIT_TEST_KEY", "11" * 32)


@pytest.fixture
def busy(desk: Desk, signing: None) -> Mapping[str, str]:
    """A company at which every page has something to show."""
    things = things_of(desk)
    company.refund_waits(desk, amount_minor=600_000)
    company.refund_waits(desk, reason="word" * 400, order="x" * 40)
    return things


def open_page(page: Page, address: str) -> bool:
    """Return whether there is a whole page for this person; never an error of the server's."""
    probe = page.request.get(address, max_redirects=0)
    assert probe.status < 500, f"{address} answered {probe.status}"
    if probe.status != 200 and address != "/nowhere/":
        return False
    kind = probe.headers.get("content-type", "")
    if "text/html" not in kind or "attachment" in probe.headers.get("content-disposition", ""):
        return False
    if "<html" not in probe.text():
        return False
    page.goto(address)
    return True


def trouble(page: Page, places: Sequence[str]) -> tuple[int, list[str]]:
    """Open every page; return how many there were and what is wrong with them."""
    look_with_axe(page)
    seen, wrong = 0, []
    for address in places:
        if not open_page(page, address):
            continue
        seen += 1
        wrong += grave_issues(page)
        wrong += overflow(page)
    return seen, wrong


def test_no_page_has_a_serious_issue_or_is_too_wide(browse: Any, busy: Mapping[str, str]) -> None:
    """The admin sees the most pages; make chaos looks as everybody, in the dark and on the phone."""
    seen, wrong = trouble(browse("admin"), addresses(busy))
    assert not wrong, "\n".join(wrong)
    assert seen > 70


def test_no_card_of_whoever_signs_has_a_serious_issue(browse: Any, busy: Mapping[str, str]) -> None:
    seen, wrong = trouble(browse("second-operator"), for_deciders(busy))
    assert not wrong, "\n".join(wrong)
    assert seen > 12


def test_no_page_is_wider_than_a_phone(browse: Any, busy: Mapping[str, str]) -> None:
    page = browse("admin", phone=True)
    wrong = [line for address in addresses(busy) if open_page(page, address) for line in overflow(page)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.chaos
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("role", ROLES)
def test_no_page_of_any_role_in_any_look_has_a_serious_issue(
    browse: Any, busy: Mapping[str, str], role: str, dark: bool, phone: bool
) -> None:
    _, wrong = trouble(browse(role, dark=dark, phone=phone), addresses(busy))
    assert not wrong, "\n".join(wrong)


def test_axe_finds_a_picture_without_words(browse: Any, desk: Desk) -> None:
    """The negative control: the check is there and can fail."""
    page = browse("admin")
    look_with_axe(page)
    page.goto("/notices/")
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert any("image-alt" in line for line in grave_issues(page))


def test_every_card_s_bar_is_within_reach_on_the_phone(browse: Any, busy: Mapping[str, str]) -> None:
    page = browse("second-operator", phone=True)
    for request in Request.objects.filter(state="open"):
        page.goto(f"/inbox/{request.pk}/")
        expect(page.locator("#actions .btn:visible").first).to_be_in_viewport()


def test_a_usual_refund_is_decided_without_scrolling(browse: Any, desk: Desk) -> None:
    """What INBOX.md wants in sight at 1440 by 900: effect, arguments, record, why, claim, foreign text, what happens, bar."""
    request = company.refund_waits(desk)
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    for place in (".cs-effect", "#arguments", ".cs-why", ".cs-then", "#evidence", "#actions [data-main]"):
        expect(page.locator(place).first).to_be_in_viewport(ratio=0.9)
