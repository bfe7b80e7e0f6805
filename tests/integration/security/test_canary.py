"""R30: secrets travel a whole run and appear nowhere but in their own header.

A provider key, a connection's credential and a webhook secret are typed in, kept encrypted, and used: an event comes in
signed, a model answers over HTTP, tools are called (one of them echoes what it was sent, another fails), a person signs,
everything is looked at and exported. Then every place is searched.
"""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from agents.models import Provider, Run
from agents.providers import registry
from agents.services import publish_agent_version
from agents.states import RunState
from agents.tools.base import CallContext, ToolError
from agents.tools.registry import get_tool
from approvals.audit import COMMAND_LINE
from approvals.models import Request
from approvals.services import decide_request
from config.secrets import seal
from integrations.models import Connection, Event, Source, Trigger
from tests import shop as shop_module
from tests.driving import hurry, work
from tests.factories import person, refund_agent, shop_connection
from tests.hooks import deliver, judge_all
from tests.shop import Shop
from tests.vendors import VendorServer, call

KEY = "sk-canary-provider-3f9a1c77"
TOKEN = "canary-shop-token/5b2e8d41"
HOOK = "whsec_Y2FuYXJ5LWhvb2stc2VjcmV0LTkxMTQ="
SECRETS = (KEY, TOKEN, HOOK, HOOK.removeprefix("whsec_"), "canary-hook-secret-9114")


class Caught(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.__dict__!r} {record.exc_text or ''}")


@pytest.fixture
def caught() -> Iterator[Caught]:
    handler = Caught()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def shop(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The shop, which says back in every answer what it was signed in with."""
    answer = shop_module._Handler._answer

    def echoing(self: BaseHTTPRequestHandler, status: int, value: Any) -> None:
        answer(self, status, {**value, "you_sent": self.headers.get("Authorization", "")})  # type: ignore[arg-type]

    monkeypatch.setattr(shop_module._Handler, "_answer", echoing)
    with Shop() as running:
        yield running


@pytest.fixture
def vendor(shop: Shop, settings: Any) -> Iterator[VendorServer]:
    settings.RETRY_BASE_S = 0.01
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = [*shop.allow, *server.allow]
        yield server
    registry.forget()


def set_up(shop: Shop, vendor: VendorServer) -> None:
    Provider.objects.create(name="house", kind="openai_chat", base_url=vendor.url("openai_chat"), api_key=seal(KEY))
    row = shop_connection(shop)
    host = shop.url.removeprefix("http://")
    Connection.objects.filter(pk=row.pk).update(
        auth_header="Authorization", auth_secret=seal(f"Bearer {TOKEN}"), auth_secret_host=host
    )
    agent = refund_agent()
    assert agent.current is not None or agent.pk
    agent.refresh_from_db()
    assert agent.current is not None
    publish_agent_version(
        agent=agent, document={**agent.current.document, "model": "house/llama3.3"}, actor=COMMAND_LINE
    )
    source = Source.objects.create(name="shop-orders", signature="standard_webhooks", secret=seal(HOOK))
    Trigger.objects.create(source=source, when="", agent="refund-clerk", goal="Settle this.")


def a_whole_run(client: Client, vendor: VendorServer, operator: User, shop: Shop) -> Run:
    """Event, look-up that echoes, a blind call that fails, a refund that a person signs, the end."""
    shop.faults["/mails"] = "500"
    vendor.say(call("shop.get_order", {"order_id": "20871"}))
    refund = {"order_id": "20871", "amount_minor": 64_000, "currency": "EUR", "reason": "Broken.", "confidence": 0.9}
    vendor.say(call("shop.refund_order", refund))
    vendor.say(text='{"decision": "refunded", "confidence": 0.9}')
    body = json.dumps({"type": "refund.requested", "order_id": "20871"}).encode()
    answer = deliver(client, body, secret=HOOK, event_id="evt_1")
    assert answer.status_code == 202, answer.content
    judge_all()
    work()
    run = Run.objects.get(pk=Event.objects.get(pk=answer.json()["id"]).run_ids[0])
    request = Request.objects.get(run_id=run.pk, state="open")
    decide_request(request_id=request.pk, user=operator, vote="approve", digest=request.action_digest, via="api")
    hurry(run)
    work()
    run.refresh_from_db()
    return run


def database_as_text() -> str:
    """Every row of every table as text."""
    said = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            said += [row for (row,) in cursor.fetchall()]
            # Bytes are shown as hexadecimal: look at them as what they are, too.
            cursor.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND data_type = 'bytea' AND quote_ident(table_name) = %s",
                [table],
            )
            for (column,) in cursor.fetchall():
                cursor.execute(f'SELECT "{column}" FROM {table} WHERE "{column}" IS NOT NULL')
                said += [bytes(value).decode("utf-8", "replace") for (value,) in cursor.fetchall()]
    return "\n".join(said)


def pages(client: Client, run: Run) -> Iterator[tuple[str, str]]:
    """Every page and export on the way of this run, and three that are not there."""
    request = Request.objects.filter(run_id=run.pk)[0]
    event = Event.objects.get(run_ids__contains=[run.pk])
    paths = [
        f"/runs/{run.pk}/", f"/runs/{run.pk}/?view=raw", f"/inbox/{request.pk}/", f"/events/{event.pk}/", "/events/",
        "/connections/", "/connections/shop/", "/connections/shop/edit/", "/sources/", "/sources/shop-orders/",
        "/sources/shop-orders/edit/", "/providers/", "/providers/house/", "/agents/refund-clerk/", "/audit/", "/policy/",
        "/notices/", "/audit/export/?format=csv", "/audit/export/?format=jsonl",
    ]  # fmt: skip
    for path in paths:
        yield path, body_of(client.get(path), 200)
    for path in ("/nowhere/", f"/runs/{request.pk}/", f"/events/{run.pk}/"):
        yield path, body_of(client.get(path), 404)


def api_answers(run: Run) -> Iterator[tuple[str, str]]:
    out = StringIO()
    call_command("token", "admin", scopes="read,configure", stdout=out)
    signed_in = Client(headers={"Authorization": f"Bearer {out.getvalue().split()[-1]}"})
    for name in ("connections", "providers", "sources", f"runs/{run.pk}", "audit", "requests", "tools", "agents"):
        yield f"/api/v1/{name}/", body_of(signed_in.get(f"/api/v1/{name}/"), 200)


def body_of(answer: Any, status: int) -> str:
    assert answer.status_code == status, (answer.status_code, answer.request["PATH_INFO"])
    content: bytes = b"".join(answer) if answer.streaming else answer.content
    return content.decode()


def exported() -> str:
    out = StringIO()
    call_command("export", stdout=out)
    return out.getvalue()


def found_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def test_secrets_travel_a_whole_run_and_appear_nowhere(
    shop: Shop, vendor: VendorServer, client: Client, caught: Caught
) -> None:
    operator = person("operator", "operator", limits={"EUR": 1_000_000})
    admin = person("admin", "admin")
    set_up(shop, vendor)
    run = a_whole_run(client, vendor, operator, shop)

    assert run.state == RunState.COMPLETED, run.waiting_for
    assert shop.paid("20871") == [64_000]
    # They were really used, each in its own place.
    assert all(KEY in str(asked.headers) for asked in vendor.requests)
    assert any("[credential]" in json.dumps(asked.body) for asked in vendor.requests)

    hits = {f"model request {n}": found_in(json.dumps(asked.body)) for n, asked in enumerate(vendor.requests)}
    hits["database"] = found_in(database_as_text())
    hits["export"] = found_in(exported())
    client.force_login(admin)
    hits |= {path: found_in(text) for path, text in [*pages(client, run), *api_answers(run)]}
    hits["logs"] = found_in("\n".join(caught.lines))
    assert {place: found for place, found in hits.items() if found} == {}


def test_negative_control_a_plain_secret_is_found(shop: Shop, vendor: VendorServer, caught: Caught) -> None:
    """The same search finds each secret once it lies where it must not."""
    set_up(shop, vendor)
    Connection.objects.filter(name="shop").update(auth_secret=TOKEN)
    Provider.objects.filter(name="house").update(prices={"note": KEY})
    Source.objects.filter(name="shop-orders").update(previous_secret=HOOK)
    logging.getLogger("countersign.test").info("it was %s", TOKEN)
    assert set(found_in(database_as_text())) >= {TOKEN, KEY, HOOK}
    assert TOKEN in "\n".join(caught.lines)


def test_errors_of_a_tool_do_not_say_what_it_was_signed_in_with(shop: Shop, vendor: VendorServer) -> None:
    set_up(shop, vendor)
    shop.faults["/refunds"] = "refuse"
    tool = get_tool("shop.refund_order")
    assert tool is not None
    with pytest.raises(ToolError) as refused:
        tool.call({"order_id": "1", "amount_minor": 1, "currency": "EUR"}, CallContext("k", 1, 2.0))
    assert not found_in(refused.value.message)
    missing = get_tool("shop.get_order")
    assert missing is not None
    answer = missing.call({"order_id": "7"}, CallContext("k", 1, 2.0))
    assert answer.data["you_sent"] == "[credential]"
