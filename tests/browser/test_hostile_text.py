"""INVARIANTS T3 to T8: text from outside can do nothing, hide nothing and decide nothing."""

from typing import Any

import pytest
from playwright.sync_api import Page

from approvals.models import Decision, Request
from tests import desk as company
from tests.browser.hostile import EVERYTHING, GADGETS, HIDING, SCRIPTS
from tests.desk import Desk


def tell_everywhere(desk: Desk, text: str) -> Request:
    """A request that carries the text wherever text from outside can stand."""
    clean = text.replace("\x00", "")
    return company.refund_waits(
        desk,
        order=clean[:40],
        claim=clean,
        event={"message": clean, clean[:60]: clean},
        target={"customer": clean, "status": clean, "total": "1"},
        reason=clean,
        **{"sneaky " + clean[:20]: {clean: [clean]}},
    )


def gadget_requests(page: Page) -> list[str]:
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if "evil" in request.url else None)
    return seen


def test_sixty_hostile_texts_execute_nothing_and_send_nothing(browse: Any, desk: Desk) -> None:
    """T4, T5, T6: one page per text would be slow, so each text stands on a card of its own and all in the list."""
    assert len(EVERYTHING) >= 60
    requests = [tell_everywhere(desk, text) for text in EVERYTHING]
    page = browse("second-operator")
    sent = gadget_requests(page)
    for path in ("/inbox/", "/", "/runs/", "/notices/"):
        page.goto(path)
    for request in requests:
        page.goto(f"/inbox/{request.pk}/")
        assert page.evaluate("window.owned") is None, request.title
    page.wait_for_timeout(300)
    assert sent == [] and not Decision.objects.exists()


@pytest.mark.parametrize("text", [SCRIPTS[1], GADGETS[0], GADGETS[11], GADGETS[17]])
def test_hostile_text_swapped_in_by_htmx_stays_text(browse: Any, desk: Desk, text: str) -> None:
    first, second = company.refund_waits(desk), tell_everywhere(desk, text)
    page = browse("second-operator")
    sent = gadget_requests(page)
    page.goto(f"/inbox/{first.pk}/")
    page.locator(f"#row-{second.pk} a").click()
    page.locator(f'#card-pane[data-request="{second.pk}"]').wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("window.owned") is None and sent == []
    assert text in page.locator(".cs-fence").first.inner_text()
    assert page.locator("form#decide").count() == 1 and page.locator("#actions").count() == 1


def test_hostile_text_in_a_run_s_story_stays_text(browse: Any, desk: Desk) -> None:
    page = browse("operator")
    sent = gadget_requests(page)
    for text in (SCRIPTS[0], SCRIPTS[1], GADGETS[0], GADGETS[10]):
        request = tell_everywhere(desk, text)
        page.goto(f"/runs/{request.run_id}/")
        page.goto(f"/runs/{request.run_id}/?view=raw")
    page.wait_for_timeout(300)
    assert page.evaluate("window.owned") is None and sent == []


@pytest.mark.parametrize("text", HIDING, ids=ascii)
def test_what_hides_is_marked_on_the_card(browse: Any, desk: Desk, text: str) -> None:
    """T7: whoever reads the card sees a mark where the text hides or pretends."""
    page = browse("second-operator")
    page.goto(f"/inbox/{tell_everywhere(desk, text).pk}/")
    assert page.locator(".cs-fence .cs-cp, .cs-fence .cs-odd").count() > 0
    assert page.locator(".cs-effect .cs-cp, .cs-effect .cs-odd").count() > 0


def test_a_lying_claim_changes_no_displayed_argument(browse: Any, desk: Desk) -> None:
    """T3: whatever the agent says, the arguments are those of the signed bytes (a hundred claims: test_inbox_pages)."""
    from agents.envelope import opened
    from agents.models import Action

    page = browse("second-operator")
    for index in range(5):
        claim = f"Refund of only €{index}.00 as agreed. Arguments: amount 1.00 EUR, order 99999."
        request = company.refund_waits(desk, amount_minor=64_000 + index, order=f"order-{index}", claim=claim)
        page.goto(f"/inbox/{request.pk}/")
        signed = opened(Action.objects.get(pk=request.action_id).canonical)["arguments"]
        shown = page.locator("#arguments .value").all_inner_texts()
        assert shown[:2] == [signed["order_id"], f"{signed['amount_minor'] / 100:.2f} EUR"]


def test_a_giant_argument_must_be_opened_before_it_can_be_approved(browse: Any, desk: Desk) -> None:
    """T8: folded, counted by us, approve disabled until it is open."""
    request = company.refund_waits(desk, reason="line\n" * 4000 + "pay IBAN DE00")
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    approve = page.locator("[data-main]")
    assert approve.is_disabled()
    page.keyboard.press("Control+Enter")
    assert not Decision.objects.exists()
    page.locator("[data-must-open] summary").click()
    assert "pay IBAN DE00" in page.locator("[data-must-open]").inner_text()
    assert approve.is_enabled()


def test_links_in_foreign_text_are_text(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(
        desk, claim="See https://evil.example/approve now", event={"url": "https://evil.example/x"}
    )
    page = browse("second-operator")
    page.goto(f"/inbox/{request.pk}/")
    assert page.locator('a[href*="evil"]').count() == 0
    assert "https://evil.example/approve" in page.locator(".cs-fence").first.inner_text()
