"""An admin writes a rule with completion, sees an error at its character and a doubt, replays the draft, and saves it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from approvals.policy_versions import active_policy
from approvals.replays import work_on_replay
from tests import desk as company
from tests.factories import shop_connection
from tests.shop import Shop

Browse = Callable[..., Page]


def test_a_rule_is_written_with_completion_replayed_and_saved(browse: Browse, settings: object) -> None:
    with Shop() as shop:
        shop_connection(shop)
        before, page = active_policy().number, browse("admin")
        page.goto("/policy/?new=1")
        page.get_by_label("Tool", exact=True).first.fill("shop.refund_order")
        page.get_by_label("Level").first.select_option("deny")
        page.get_by_label("Tool", exact=True).first.press("Tab")
        expect(page.locator(".cs-pin", has_text="order_id")).to_contain_text("carries power")
        _write(page)
        page.get_by_role("button", name="Keep in the draft").click()
        expect(page.locator(".cs-tag", has_text="draft, 1 change")).to_be_visible()
        page.get_by_role("button", name="Replay the last 90 days").click()
        expect(page.locator("#replay")).to_contain_text("judged")
        while work_on_replay():
            pass
        expect(page.locator("#replay")).not_to_contain_text("Stop the replay")
        page.get_by_role("link", name="Back to the draft").click()
        page.get_by_role("link", name=f"Save as v{before + 1}…").click()
        page.get_by_label("Why").fill("Nothing above 900 for now.")
        page.get_by_role("button", name=f"Put v{before + 1} in force").click()
        expect(page.get_by_text(f"v{before + 1} in force").first).to_be_visible()
    rule = active_policy().rules[-1]
    assert (rule.when, rule.level, active_policy().number) == ("args.amount_minor > 90000", "deny", before + 1)


def _write(page: Page) -> None:
    """Write the condition by keys: a name taken from the list, an error at its character, a doubt taken back."""
    when = page.get_by_label("When (CEL)")
    when.click()
    when.press_sequentially("args.am")
    choices = page.get_by_role("listbox", name="Completion")
    expect(choices.get_by_role("option", selected=True)).to_contain_text("args.amount_minor")
    when.press("Enter")
    expect(when).to_have_value("args.amount_minor")
    expect(choices).to_have_count(0)
    when.press_sequentially(" > limit")
    expect(page.locator("#check .err")).to_have_text("limit")
    expect(page.locator("#check .cs-caret")).to_have_text("^^^^^")
    when.fill("args.amount_minr > 90000")
    page.get_by_role("button", name="Use amount_minor").click()
    expect(when).to_have_value("args.amount_minor > 90000")
    expect(page.locator("#check")).to_contain_text("amount_minor is over 90000")


def test_without_javascript_constraints_are_typed_in_rows(browse: Browse) -> None:
    page = browse("admin", javascript=False)
    page.goto("/policy/?new=1")
    page.get_by_label("Tool", exact=True).first.fill(company.REFUND)
    page.get_by_label("Another argument", exact=True).fill("currency")
    page.get_by_label("Another argument: what it must be").select_option("one_of")
    page.get_by_label("Another argument: value").fill("EUR")
    page.get_by_role("button", name="Keep in the draft").click()
    expect(page.get_by_label("currency: value")).to_have_value("EUR")
