"""Hostile text in every place that shows text of strangers, agents or other people: nothing runs, nothing leaves, nothing hides."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from approvals.models import Decision, Request
from tests import desk as company
from tests.browser.every_page import addresses, for_deciders, things_of
from tests.browser.hostile import ALL_OF_THEM, GADGETS, INVISIBLE, MEGABYTE, SCRIPTS, hidden
from tests.browser.test_every_page import open_page, signing
from tests.browser.test_hostile_text import gadget_requests, tell_everywhere
from tests.desk import Desk
from tests.promises import Promise

__all__ = ["signing"]
_SEEN = """(invisible) => ({
  owned: window.owned || 0,
  links: document.querySelectorAll('a[href*="evil"], [src*="evil"], a[href^="javascript"]').length,
  hidden: [...(document.body.innerText + document.title)].filter(one => invisible.includes(one))
    .map(one => one.codePointAt(0).toString(16)),
})"""
# A line break and a tabulator are drawn as what they are.
_UNSEEN = "".join(INVISIBLE)


def trouble(page: Page) -> list[str]:
    """Return what foreign text managed to do on the page that is open."""
    seen = page.evaluate(_SEEN, _UNSEEN)
    return [f"{page.url}: {what} {value}" for what, value in seen.items() if value]


def look_everywhere(page: Page, places: Sequence[str]) -> list[str]:
    return [line for place in places if open_page(page, place) for line in trouble(page)]


def test_no_page_runs_sends_or_hides_anything(browse: Any, desk: Desk, signing: None) -> None:
    """The texts of each sort together, wherever text from outside stands: one look at every page of an admin."""
    texts = [*map(hidden, INVISIBLE[::4]), *GADGETS[:2], *SCRIPTS[:3]]
    things = things_of(desk, " ".join(text.replace("\x00", "") for text in texts))
    page = browse("admin")
    sent = gadget_requests(page)
    signer = browse("second-operator")
    sent_to_signer = gadget_requests(signer)
    wrong = look_everywhere(page, addresses(things)) + look_everywhere(signer, for_deciders(things))
    assert not wrong, "\n".join(wrong)
    assert (sent, sent_to_signer) == ([], [])
    assert not Decision.objects.exists()


@pytest.mark.chaos
def test_three_hundred_hostile_texts_do_nothing_anywhere(
    browse: Any, desk: Desk, signing: None, promise: Promise
) -> None:
    assert len(ALL_OF_THEM) >= 300
    requests = [tell_everywhere(desk, text) for text in ALL_OF_THEM]
    page = browse("second-operator")
    sent = gadget_requests(page)
    wrong = [line for request in requests for line in on_its_pages(page, request)]
    for part in range(0, len(ALL_OF_THEM), 12):
        things = things_of_part(desk, part)
        wrong += look_everywhere(page, [*addresses(things), *for_deciders(things)]) if things else []
    for place in (
        "/",
        "/inbox/",
        "/inbox/?alike=1",
        "/desk/",
        "/subjects/",
        "/runs/",
        "/notices/",
        "/audit/",
        "/halts/",
    ):
        page.goto(place)
        wrong += trouble(page)
    page.wait_for_timeout(1_000)
    promise("Hostile text does nothing and hides nothing", tried=len(requests), violations=len(wrong) + len(sent))
    assert (wrong, sent) == ([], [])
    assert not Decision.objects.exists()


def on_its_pages(page: Page, request: Request) -> list[str]:
    found: list[str] = []
    for place in (f"/inbox/{request.pk}/", f"/inbox/{request.pk}/?do=edit", f"/runs/{request.run_id}/"):
        page.goto(place)
        found += trouble(page)
    return found


def things_of_part(desk: Desk, part: int) -> Mapping[str, str]:
    """Questions, hand-offs and remarks that say twelve of the texts; the first time everything else as well."""
    text = " ".join(one[:100] for one in ALL_OF_THEM[part : part + 12])
    if part == 0:
        return things_of(desk, text)
    company.question_waits(desk, text[:280])
    company.hand_off_waits(desk, text[-280:])
    return {}


def test_a_line_of_a_megabyte_neither_runs_nor_widens_the_card(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk, claim=MEGABYTE[:100_000], reason=MEGABYTE[:190_000])
    page = browse("second-operator")
    sent = gadget_requests(page)
    page.goto(f"/inbox/{request.pk}/")
    assert (trouble(page), sent) == ([], [])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_table_for_a_spreadsheet_begins_no_formula(desk: Desk, client: Client) -> None:
    """What opens as a formula in a spreadsheet is text in the file that we give out."""
    for start in ("=", "+", "-", "@", "\t=", "\r="):
        company.refund_waits(desk, order=f"{start}cmd|' /C calc'!A0")
    client.force_login(desk["auditor"])
    answer: Any = client.get("/audit/export/?format=csv")
    said = b"".join(answer).decode() if answer.streaming else answer.content.decode()
    cells = [cell.strip('"') for line in said.splitlines()[1:] for cell in line.split(",")]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t")] == []


def test_the_check_sees_a_character_that_hides(browse: Any, desk: Desk) -> None:
    """The negative control: raw text in the page is found out."""
    page = browse("admin")
    page.goto("/notices/")
    page.evaluate("document.querySelector('main').append('pay\u202eme')")
    assert any("202e" in line for line in trouble(page))
