"""Test now in a real browser: the steps come one after the other, without reloading the page."""

import json

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integrations.models import Connection
from tests.factories import person
from tests.stranger import answer, stranger

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Health", "version": "1"},
    "paths": {"/health": {"get": {"operationId": "health", "responses": {"200": {"description": "ok"}}}}},
}


@pytest.mark.django_db(transaction=True)
def test_steps_come_one_by_one_until_the_last(live_server: LiveServer, page: Page, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)
    client = Client()
    client.force_login(person("admin", "admin"))
    name = django_settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    with stranger() as other:
        other.on("GET /health", answer(200, {"ok": True}))
        Connection.objects.create(name="shop", kind="openapi", base_url=other.url, document=json.dumps(DOCUMENT))
        page.goto(f"{live_server.url}/connections/shop/")
        page.get_by_role("button", name="Test now").click()
        expect(page.locator("#trial")).to_contain_text("GET /health answered 200", timeout=20_000)
        expect(page.get_by_role("button", name="Test now")).to_be_enabled()
        assert len(other.asked) == 1
