"""Fifty new requests a second while a person decides: what was decided is what stood on the screen, and nothing moves."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Decision
from tests.browser.flood import Flood, open_one
from tests.desk import Desk
from tests.promises import Promise

PER_SECOND = 50
# What stood on the screen in the instant of the key, before any of the product's own listeners heard of it; and every
# row that came into the list without having been asked for.
_WITNESS = """() => {
  window.csPressed = [];
  window.csPushed = [];
  const shown = () => ({
    id: document.querySelector("#card-pane")?.dataset.request || "",
    digest: document.querySelector("#decide input[name=digest]")?.value || "",
    title: document.querySelector("#card-pane h2, #card-pane h1")?.textContent.trim() || "",
    busy: document.querySelector("#card-pane")?.getAttribute("aria-busy") === "true",
  });
  window.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey) window.csPressed.push(shown());
  }, {capture: true});
  new MutationObserver((changes) => changes.forEach((change) => {
    if (change.target.id === "rows") change.addedNodes.forEach((node) => node.nodeType === 1 && window.csPushed.push(node.id));
  })).observe(document.querySelector("#inbox"), {subtree: true, childList: true});
}"""
_PLACES = "() => [...document.querySelectorAll('#rows > li')].map(row => [row.id, row.getBoundingClientRect().top])"
_ANOTHER = """(before) => {
  const pane = document.querySelector("#card-pane");
  return pane && pane.getAttribute("aria-busy") !== "true" && (pane.dataset.request || "") !== before;
}"""


def open_inbox(browse: Any) -> Page:
    page: Page = browse("second-operator")
    page.goto("/inbox/")
    expect(page.locator("#card-pane[data-request]")).to_be_visible()
    page.evaluate(_WITNESS)
    return page


def decide(page: Page, count: int) -> None:
    """Approve what is on the screen, so often; ask for the new ones when the list runs short."""
    for _ in range(count):
        if page.locator("#rows > li:not(.gone)").count() < 5:
            show_new(page)
        before = page.evaluate("document.querySelector('#card-pane').dataset.request || ''")
        assert before
        page.keyboard.press("Control+Enter")
        page.wait_for_function(_ANOTHER, arg=before, timeout=20_000)


def show_new(page: Page) -> None:
    expect(page.locator("#new-pill")).to_be_visible(timeout=15_000)
    with page.expect_response(lambda answer: "/inbox/?" in answer.url or answer.url.endswith("/inbox/")):
        page.keyboard.press(".")
    expect(page.locator("#new-pill")).to_be_hidden()


def wrong_cards(page: Page) -> tuple[int, list[str]]:
    """Return how many keys decided, and each decision that is not the card which stood there when its key went down."""
    pressed = [one for one in page.evaluate("window.csPressed") if not one["busy"]]
    decided = list(Decision.objects.order_by("pk").values_list("request_id", "action_digest"))
    wrong = [
        f"{one['id']} was shown, {request} was decided"
        for one, (request, digest) in zip(pressed, decided, strict=False)
        if (one["id"], one["digest"]) != (str(request), digest)
    ]
    if len(pressed) != len(decided):
        wrong.append(f"{len(pressed)} keys and {len(decided)} decisions")
    return len(decided), wrong


def nothing_moved(page: Page) -> None:
    """While requests come in, the list says how many, and stays where it is."""
    before = page.evaluate(_PLACES)
    expect(page.locator("#new-pill")).to_contain_text("new, show them", timeout=15_000)
    said = page.locator("#new-pill span").inner_text()
    assert int(said.split("+")[0].split()[0]) > 0
    # The line that says so stands above the list; the rows keep their order and their distances.
    after = page.evaluate(_PLACES)
    assert [row for row, _ in after] == [row for row, _ in before]
    assert page.evaluate("window.csPushed") == []


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.chaos)])
def test_what_is_decided_in_a_flood_is_what_was_on_the_screen(
    browse: Any, desk: Desk, promise: Promise, count: int
) -> None:
    for number in range(60):
        open_one(desk, number, f"Letter before the flood {number}")
    page = open_inbox(browse)
    with Flood(desk, per_second=PER_SECOND) as flood:
        nothing_moved(page)
        decide(page, count // 2)
        show_new(page)
        decide(page, count - count // 2)
    tried, wrong = wrong_cards(page)
    pushed = page.evaluate("window.csPushed")
    promise(
        "In a flood of new requests a key decides the card on the screen",
        tried=tried,
        violations=len(wrong) + len(pushed),
        note=f"{flood.opened} came, {flood.per_second:.0f} a second",
    )
    assert (flood.failure, wrong, pushed, tried) == ("", [], [], count)
    assert flood.opened > 0
