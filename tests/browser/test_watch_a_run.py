"""A person watches a run: the story grows by itself, and stopping asks first."""

from typing import Any

from playwright.sync_api import expect

from agents.models import Run
from tests import desk as company
from tests.desk import Desk


def test_the_story_follows_the_run_and_links_to_what_it_waits_for(browse: Any, desk: Desk) -> None:
    request = company.refund_waits(desk)
    page = browse("second-operator")
    page.goto(f"/runs/{request.run_id}/")
    expect(page.locator(".cs-story")).to_contain_text("On approve: desk.refund_order, once")
    page.get_by_role("link", name="Decide").click()
    page.wait_for_url(f"**/inbox/{request.pk}/")


def test_cancel_asks_first_and_the_page_learns_of_it(browse: Any, desk: Desk) -> None:
    run = company.run_of(desk)
    page, watcher = browse("operator"), browse("auditor")
    for one in (page, watcher):
        one.goto(f"/runs/{run.pk}/")
    page.get_by_text("Cancel run…").click()
    page.get_by_label("Why (kept in the audit trail)").fill("Not needed.")
    page.get_by_role("button", name="Cancel this run").click()
    expect(page.locator(".cs-head .cs-state")).to_have_text("cancelled")
    expect(watcher.locator(".cs-head .cs-state")).to_have_text("cancelled", timeout=9000)
    assert Run.objects.get(pk=run.pk).state == "cancelled"


def test_the_raw_journal_is_one_press_away(browse: Any, desk: Desk) -> None:
    run = company.run_of(desk)
    page = browse("auditor")
    page.goto(f"/runs/{run.pk}/")
    page.get_by_role("link", name="Raw journal").click()
    expect(page.locator("#run-live")).to_contain_text("The journal is empty")
