"""An admin sets a source up and tries it; an operator corrects what came in broken. In a real browser, also without scripts."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from integrations.models import Event
from tests.browser.conftest import no_overflow
from tests.desk import Desk
from tests.hooks import SCHEMA, deliver, judge_all, refund, source, trigger
from tests.unit.integrations.webhook_vectors import secret_of

pytestmark = pytest.mark.django_db(transaction=True)
# Where to leave pictures for looking at; nothing is written without it.
SHOTS = os.environ.get("COUNTERSIGN_SHOTS", "")
LONG = "x" * 300


@pytest.fixture
def came_in(desk: Desk, live_server: Any, settings: Any) -> Desk:
    """A source with an accepted, a repeated, an ignored and two invalid events."""
    settings.PUBLIC_URL = live_server.url
    row = source(schema=SCHEMA)
    trigger(row, agent=desk.agent.name)
    client = Client()
    deliver(client, refund("20884"), event_id="a")
    deliver(client, refund("20884"), event_id="a")
    deliver(client, b'{"type":"order.created","order_id":"20885"}', event_id="b")
    deliver(client, json.dumps({"type": "refund.requested", "note": LONG + "<b>bold</b>\u202e"}).encode(), event_id="c")
    deliver(client, b'{"type":"refund.requested","amount_minor":"many"}', event_id="d")
    judge_all()
    deliver(client, b"{}", secret="whsec_YW5vdGhlciBzZWNyZXQ=")
    source("lead-form", signature="github", secret="")
    return desk


def shot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_pages_fit_and_look_right(browse: Any, came_in: Desk, look: dict[str, bool]) -> None:
    page = browse("admin", **look)
    invalid = Event.objects.filter(state="invalid").order_by("received_at")[0]
    accepted = Event.objects.get(state="accepted")
    paths = {
        "events": "/events/",
        "event-invalid": f"/events/{invalid.pk}/",
        "event-accepted": f"/events/{accepted.pk}/",
        "sources": "/sources/",
        "source": "/sources/shop-orders/",
        "source-edit": "/sources/shop-orders/edit/",
        "source-new": "/sources/new/",
        "trigger": "/sources/shop-orders/triggers/new/",
    }
    for name, path in paths.items():
        page.goto(path)
        no_overflow(page)
        shot(page, f"{name}-{next(iter(look), 'light')}")


def test_auditor_reads_and_is_told_why_not_more(browse: Any, came_in: Desk) -> None:
    page = browse("auditor")
    page.goto(f"/events/{Event.objects.filter(state='invalid')[0].pk}/")
    expect(page.get_by_role("button", name="Correct and replay")).to_be_disabled()
    expect(page.get_by_text("Operators and admins correct and run events").first).to_be_visible()
    shot(page, "event-auditor")
    page.goto("/sources/shop-orders/")
    expect(page.get_by_role("button", name="Edit").first).to_be_disabled()
    shot(page, "source-auditor")


@pytest.mark.parametrize("javascript", [True, False])
def test_admin_sets_up_a_source_and_sends_a_test_delivery(browse: Any, came_in: Desk, javascript: bool) -> None:
    page = browse("admin", javascript=javascript)
    page.goto("/sources/")
    page.get_by_role("link", name="Add a source").click()
    page.get_by_label("Name").fill("web-shop")
    page.get_by_label("How the sender signs").select_option("hmac_sha256")
    page.get_by_label("Signing secret").fill(secret_of("hmac_sha256"))
    page.get_by_label("What an event is about").fill("event.order_id")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("link", name="Add a trigger").click()
    page.get_by_label("When").fill("event.order_id == ")
    page.get_by_label("Goal").fill("Settle it.")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("ends too early")
    page.get_by_label("When").fill('event.order_id == "7"')
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Payload").fill('{"order_id": "7"}')
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("The endpoint answered 202")).to_be_visible()
    judge_all()
    page.get_by_role("link", name="See what becomes of it").click()
    expect(page.get_by_role("link", name="refund-clerk")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_operator_corrects_a_broken_event(browse: Any, came_in: Desk, javascript: bool) -> None:
    page = browse("operator", javascript=javascript)
    page.goto("/events/?verdict=invalid")
    expect(page.get_by_text("order_id").first).to_be_visible()
    page.get_by_role("link", name="Correct and replay…").first.click()
    page.get_by_label("Payload").fill('{"type": "refund.requested"}')
    page.get_by_role("button", name="Correct and replay").click()
    expect(page.get_by_text("It still has problems.")).to_be_visible()
    shot(page, "event-still-wrong")
    page.get_by_label("Payload").fill('{"type": "refund.requested", "order_id": "20999"}')
    page.get_by_role("button", name="Correct and replay").click()
    expect(page.get_by_text("Corrected.")).to_be_visible()
    judge_all()
    page.reload()
    expect(page.get_by_role("link", name="refund-clerk")).to_be_visible()


def test_list_shows_what_comes_in_without_a_reload(browse: Any, came_in: Desk) -> None:
    page = browse("operator")
    page.goto("/events/")
    deliver(Client(), refund("31337"), event_id="live")
    judge_all()
    expect(page.get_by_text("31337")).to_be_visible(timeout=8000)
