"""A scripted person who clears an inbox with the keyboard alone, counting every key and timing every card."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from approvals.models import Request
from tests import desk as company
from tests.desk import Desk

# Shown in the pane and no longer on its way.
READY = "#card-pane:not([aria-busy=true])"


@dataclass
class Hands:
    """What presses keys. A chord counts as the keys it takes: Ctrl and Enter are two."""

    page: Page
    pressed: int = 0
    waits_ms: list[float] = field(default_factory=list)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.pressed += len(key.split("+"))
            self.page.keyboard.press(key)

    def go_on(self, *keys: str) -> None:
        """Press keys of which the last brings another card, and time from that key to the card."""
        self.press(*keys[:-1])
        self.page.evaluate(_WATCH)
        self.press(keys[-1])
        self.waits_ms.append(float(self.page.evaluate("() => window.csArrived")))

    def shown(self) -> str:
        return str(self.page.evaluate("document.querySelector('#card-pane').dataset.request || ''"))

    @property
    def p95_ms(self) -> float:
        ordered = sorted(self.waits_ms)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


# From the key's own event to the frame in which another pane stands: no time of the test's own is in it.
_WATCH = """() => {
  const pane = () => document.querySelector("#card-pane:not([aria-busy=true])");
  const before = pane();
  let began = 0;
  const note = (event) => { if (event.key !== "Control") began = performance.now(); };
  document.addEventListener("keydown", note, {capture: true});
  window.csArrived = new Promise((arrived, failed) => {
    const ends = performance.now() + 15000;
    const look = () => {
      const found = pane();
      if (began && found && found !== before) arrived(performance.now() - began);
      else if (performance.now() > ends) failed(new Error("no other card came"));
      else requestAnimationFrame(look);
    };
    look();
  }).finally(() => document.removeEventListener("keydown", note, {capture: true}));
}"""


def fill_inbox(desk: Desk, *, groups: Sequence[int], high: int, single: int) -> None:
    """Open requests of every sort: alike ones in groups of these sizes, high-risk ones, and single ones."""
    for group, size in enumerate(groups):
        for number in range(size):
            request = company.refund_waits(desk, order=f"{group}{number:03}", amount_minor=60_000 + number)
            # Requests of another agent or tool are another group; one desk has only one of each.
            Request.objects.filter(pk=request.pk).update(alike=f"{group}-{request.alike[:20]}")
    for number in range(high):
        company.refund_waits(desk, order=f"9{number:03}", amount_minor=600_000 + number * 1_000)
    for number in range(single):
        request = company.refund_waits(desk, order=f"8{number:03}", amount_minor=70_000)
        Request.objects.filter(pk=request.pk).update(alike="")


def group(hands: Hands) -> None:
    """Let alike requests stand together, and the first row of the list be open."""
    hands.press("b")
    expect(hands.page.locator("#toggle-alike")).to_contain_text("Ungroup")
    expect(hands.page.locator("#rows > li[aria-current]")).to_have_count(1)
    expect(hands.page.locator(READY)).to_be_visible()


def clear(hands: Hands) -> None:
    """Decide what stands on the card, whatever it is, until nothing waits."""
    expect(hands.page.locator(READY)).to_be_visible()
    group(hands)
    singles = 0
    for _ in range(300):
        shown = hands.shown()
        if not shown:
            return
        if shown.startswith("alike-"):
            hands.go_on("Control+Enter")
            if hands.page.locator("#rows > li:not(.gone)").count():
                hands.go_on("j")
        elif hands.page.locator("#typed").count():
            whole = (hands.page.locator("#typed").get_attribute("data-typed") or "").removesuffix(".00")
            hands.go_on(*whole, "Control+Enter")
        else:
            singles += 1
            hands.go_on(*(("r", "2") if singles % 4 == 0 else ()), "Control+Enter")
