"""An admin changes an agent in the browser; what widens it is signed by another."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agents.models import Agent, Provider
from agents.providers import registry
from approvals.models import Request
from tests.browser.conftest import no_overflow
from tests.browser.countersigning import countersign
from tests.desk import Desk
from tests.vendors import VendorServer

Browse = Callable[..., Page]
PAGES = (
    "/agents/",
    "/agents/refund-clerk/",
    "/agents/refund-clerk/versions/",
    "/agents/refund-clerk/versions/1/",
    "/agents/refund-clerk/edit/",
    "/agents/refund-clerk/start/",
    "/agents/new/",
    "/providers/",
    "/providers/house/",
    "/providers/new/",
)


@pytest.fixture
def vendor(settings: Any) -> Iterator[VendorServer]:
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = server.allow
        yield server
    registry.forget()


def _change(page: Page, **fields: str) -> None:
    page.goto("/agents/refund-clerk/edit/")
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)
    page.fill("[name=note]", "Customers asked for it.")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator("#difference")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["with-script", "without-script"])
def test_a_change_that_widens_nothing_is_in_force_at_once(javascript: bool, browse: Browse) -> None:
    page = browse("admin", javascript=javascript)
    _change(page, instructions="Settle it politely.")
    expect(page.locator("#difference")).to_contain_text("Settle it politely.")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.locator("#messages")).to_contain_text("refund-clerk v2 is in force")
    assert Agent.objects.get().current.document["instructions"] == "Settle it politely."  # type: ignore[union-attr]


def test_a_change_that_widens_waits_for_another_admin(browse: Browse) -> None:
    admin = browse("admin")
    _change(admin, tools="desk.*")
    expect(admin.locator("#difference")).to_contain_text("It may use desk.*.")
    admin.get_by_role("button", name="Ask another admin").click()
    admin.wait_for_url("**/inbox/*/**")
    expect(admin.locator("body")).to_contain_text("You started this")
    second = browse("second-admin")
    second.goto(admin.url)
    expect(second.locator("body")).to_contain_text("Put refund-clerk v2 in force, which may do more")
    countersign(second, admin.url)
    second.goto("/agents/refund-clerk/versions/2/")
    expect(second.locator("body")).to_contain_text("Customers asked for it.")
    assert Agent.objects.get().current.document["tools"] == ["desk.*"]  # type: ignore[union-attr]


def test_an_operator_halts_one_agent_and_an_admin_releases_it(browse: Browse) -> None:
    operator = browse("operator", phone=True)
    operator.goto("/agents/refund-clerk/")
    operator.get_by_text("Halt this agent…").click()
    operator.fill("textarea[name=reason]", "It pays twice.")
    operator.get_by_role("button", name="Halt it now").click()
    expect(operator.locator("main")).to_contain_text("It pays twice.")
    expect(operator.locator("main")).to_contain_text("Only an admin asks for a release")
    admin = browse("admin")
    admin.goto("/agents/refund-clerk/")
    admin.get_by_text("Release…").click()
    admin.get_by_role("button", name="Ask to release refund-clerk").click()
    expect(admin.locator("main")).to_contain_text("Another admin signs it")
    countersign(browse("second-admin"), f"/inbox/{Request.objects.get(kind='proposal').pk}/")
    admin.reload()
    expect(admin.locator("main")).to_contain_text("under supervision")


def test_a_run_by_hand_opens_its_story(browse: Browse) -> None:
    page = browse("operator")
    page.goto("/agents/refund-clerk/")
    page.get_by_role("link", name="Run by hand…").click()
    page.fill("[name=input]", '{"order_id": "20871"}')
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/runs/*/")


def test_a_provider_is_set_up_and_asked(browse: Browse, vendor: VendorServer) -> None:
    vendor.say(text="ready")
    page = browse("admin")
    page.goto("/providers/new/")
    page.fill("[name=name]", "house")
    page.fill("[name=base_url]", vendor.url("openai_chat"))
    page.fill("[name=api_key]", "sk-secret")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("set, stored encrypted")
    page.fill("[name=model]", "llama3.3")
    page.get_by_role("button", name="Ask it").click()
    expect(page.locator("main")).to_contain_text("It answered in")
    expect(page.locator("main")).to_contain_text("no price is known")
    assert "sk-secret" not in page.content()


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_no_page_is_wider_than_its_window(look: dict[str, bool], browse: Browse, desk: Desk) -> None:
    address = "https://" + "long-" * 40 + "name.example.com/v1"
    Provider.objects.create(
        name="house", kind="openai_chat", base_url=address, prices={"m": {"input": "1", "output": "1"}}
    )
    page = browse("admin", **look)
    for url in PAGES:
        page.goto(url)
        no_overflow(page)
    _change(page, instructions="word " * 400 + "x" * 400)
    no_overflow(page)
