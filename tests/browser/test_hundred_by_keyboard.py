"""A mixed inbox cleared by the keyboard alone: few keys, and the next card at once."""

from typing import Any

import pytest
from playwright.sync_api import Page

from approvals.models import Decision, Request
from tests import desk as company
from tests.browser.clearing import Hands, clear, fill_inbox, group
from tests.desk import Desk


def signed_in_anew(browse: Any, name: str) -> Page:
    """A session whose password was typed just now, as high risk asks for; that is before the clearing begins."""
    page: Page = browse(name)
    page.goto("/accounts/reauthenticate/?next=/inbox/")
    page.get_by_label("Password").fill(company.PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_selector("#inbox")
    return page


def test_thirty_mixed_requests_are_cleared_by_few_keys(browse: Any, desk: Desk) -> None:
    fill_inbox(desk, groups=(10, 10), high=3, single=7)
    hands = Hands(signed_in_anew(browse, "second-operator"))
    clear(hands)
    assert Decision.objects.count() == 30
    # High ones ask for a second vote; whoever cast the first is through with them.
    assert Request.objects.filter(state="open").count() == 3
    print(f"\n{hands.pressed} keys, p95 {hands.p95_ms:.0f} ms from key to card")
    assert hands.pressed <= 75


@pytest.mark.chaos
def test_a_hundred_mixed_requests_take_at_most_250_keys_and_the_next_card_150_ms(browse: Any, desk: Desk) -> None:
    """Seventy in six groups of alike ones, ten of high risk whose amount is typed, twenty single ones.

    The amount is typed in whole units where it has no smaller ones: "6000" for 6000.00 leaves nothing to guess.
    """
    fill_inbox(desk, groups=(12, 12, 12, 12, 12, 10), high=10, single=20)
    hands = Hands(signed_in_anew(browse, "second-operator"))
    clear(hands)
    print(f"\n{hands.pressed} keys, {len(hands.waits_ms)} cards, p95 {hands.p95_ms:.0f} ms from key to card")
    assert Decision.objects.count() == 100
    assert hands.pressed <= 250
    assert hands.p95_ms <= 150


def test_leaving_one_out_of_a_group_leaves_it_undecided(browse: Any, desk: Desk) -> None:
    fill_inbox(desk, groups=(4,), high=0, single=1)
    hands = Hands(signed_in_anew(browse, "second-operator"))
    group(hands)
    while not hands.shown().startswith("alike-"):
        hands.go_on("j")
    hands.press("Enter", "j", "x")
    assert hands.page.locator("#actions [data-main] [data-count]").inner_text() == "3"
    assert hands.page.locator("#actions [data-sum]").inner_text() == "€1,800.05"
    hands.go_on("Control+Enter")
    assert "3 approved." in hands.page.locator("#report").inner_text()
    assert Request.objects.filter(state="open", alike__gt="").get().title.endswith("0001")
    hands.press("z")
    hands.page.wait_for_url("**/inbox/?alike=1")
    assert Request.objects.filter(state="approved").count() == 0
