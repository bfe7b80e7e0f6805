"""Generated over all addresses: looking changes nothing, another team finds nothing, no secret is shown anywhere."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client

from agents.models import Provider
from agents.providers.scripted import ScriptedProvider
from approvals.halts import engage_halt
from approvals.models import Request
from config.secrets import seal
from integrations.models import Connection, Event, Source
from integrations.openapi.call import host_of
from tests.driving import work
from tests.factories import person, refund_agent, refund_run, says, wants, wants_refund
from tests.hooks import source, trigger
from tests.integration.api.conftest import program
from tests.integration.security.addresses import filled, pages, routes
from tests.integration.security.doors import STOPPED, vote
from tests.shop import Shop

CANARY = "canary-5f2c81d07e"
# A page for everybody whatever stands in its address, or one that says only what everybody may know.
_OF_NO_TEAM = ("/people/", "/policy/", "/halts/", "/profile/", "/providers/", "/practice/")


@pytest.fixture
def things(shop: Shop, model: ScriptedProvider, signer: User, admin: User) -> dict[str, str]:
    """One thing of each kind that belongs to the team support, by the path before its name."""
    Connection.objects.update(auth_header="X-Key", auth_secret=seal(CANARY), auth_secret_host=host_of(shop.url))
    Provider.objects.create(name="vendor", kind="openai", api_key=seal(CANARY))
    refund_agent()
    row = source()
    Source.objects.filter(pk=row.pk).update(previous_secret=seal(CANARY))
    started = trigger(row)
    event = Event.objects.create(source=row, dedupe_key="1", body=b"{}", body_sha256="0" * 64)
    shop.faults["/mails"] = "500"
    model.say(says("", wants("shop.get_order", id="r", order_id="1"), wants_refund(64_000)), *[STOPPED] * 3)
    run = refund_run()
    work()
    halt = engage_halt(scope="tool:shop.send_mail", reason="drill", user=admin)
    return {
        "/inbox/": str(Request.objects.get().pk),
        "/desk/": str(Request.objects.get().pk),
        "/subjects/": run.subject,
        "/runs/": str(run.pk),
        "/agents/": "refund-clerk",
        "/connections/": "shop",
        "/connections/shop/tools/": "refund_order",
        "/events/": str(event.pk),
        "/sources/": "shop-orders",
        "/sources/shop-orders/triggers/": str(started.pk),
        "/providers/": "vendor",
        "/halts/": str(halt.pk),
        "/people/": str(signer.pk),
        "/people/groups/": "finance",
        "token_id": "01900000-0000-7000-8000-000000000000",
    }


def signed_in(user: User) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


def said(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else bytes(answer.content)


def everything() -> Iterator[tuple[str, Any]]:
    """Yield every row of every table of the product, as text."""
    ours = [model for model in apps.get_models() if model is not Session and model._meta.app_label != "django_rq"]
    for model in ours:
        if model._meta.managed:
            for row in model._default_manager.order_by("pk").values():
                yield model.__name__, {k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()}


# The last sign-in, that an export was made, and the seal over what stands already: nothing that anybody decided.
_SELF_MADE = ("User", "AuditEvent", "AuditSeal")


def test_looking_at_anything_changes_nothing(things: dict[str, str], admin: User) -> None:
    """Links in mails are opened by scanners: GET and HEAD, also as the fragment that a page asks for."""
    browser = signed_in(admin)
    addresses = [f"{address}?vote=approve&do=approve" for address in {filled(route, things) for route in pages()}]
    browser.get("/")
    before = [row for row in everything() if row[0] not in _SELF_MADE]
    for address in addresses:
        for headers in ({}, {"HX-Request": "true"}):
            assert browser.get(address, headers=headers).status_code < 500, address
        assert browser.head(address).status_code < 500, address
    assert [row for row in everything() if row[0] not in _SELF_MADE] == before


def test_another_team_finds_nothing_behind_any_address(things: dict[str, str]) -> None:
    browser = signed_in(person("stranger", "operator", team="elsewhere", limits={"EUR": 1_000_000}))
    asked = 0
    for route in pages():
        if "<" not in route or route.startswith(_OF_NO_TEAM):
            continue
        address = filled(route, things)
        for method in (browser.get, browser.post):
            status = method(address).status_code
            # 403: only admins come here, whatever the name; the same is said of names that do not exist.
            assert status in (403, 404, 405), f"{method.__name__} {address}: {status}"
            if status == 403:
                nobody = filled(route, dict.fromkeys(things, "01900000-0000-7000-8000-00000000dead"))
                assert method(nobody).status_code in (403, 404), address
        asked += 1
    assert asked > 20


def test_no_secret_leaves_its_row(
    things: dict[str, str],
    shop: Shop,
    signer: User,
    admin: User,
    model: ScriptedProvider,
    tmp_path: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    vote(Request.objects.get(), signer)
    work()
    browser, api = signed_in(admin), program(admin)
    shown = [said(browser.get(filled(route, things))) for route in pages()]
    for route in routes():
        if route.startswith("/api/v1/"):
            name = things.get(f"/{route.split('/')[3]}/", "x")
            answer = api.get(filled(route, dict.fromkeys(("name", "run_id", "request_id", "event_id"), name)))
            shown.append(repr(answer.body).encode())
    call_command("export")
    shown += [capsys.readouterr().out.encode(), caplog.text.encode(), repr(list(everything())).encode()]
    shown += [repr(request).encode() for request in model.requests]
    assert shop.paid("20871") == [64_000]
    assert all(CANARY.encode() not in text for text in shown)


def test_an_error_page_says_nothing_of_the_inside(things: dict[str, str], admin: User) -> None:
    browser, api = signed_in(admin), program(admin)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_request RENAME COLUMN priority TO inner_detail")
    try:
        page, answer = browser.get("/inbox/"), api.get("requests/")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE approvals_request RENAME COLUMN inner_detail TO priority")
    for status, text in ((page.status_code, page.content.decode()), (answer.status, repr(answer.body))):
        assert status == 500
        assert not re.search(r"priority|approvals_request|psycopg|Traceback|ProgrammingError|\.py\b", text), text
