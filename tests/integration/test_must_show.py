"""A stranger's shop and a stranger's model, both named by one configuration file: no line of code between the wires."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from agents.models import Run
from agents.providers import registry
from approvals.errors import NotAllowedToDecide
from approvals.models import Request
from approvals.people_demo import ensure_demo_people, join_empty_teams
from approvals.services import decide_request
from integrations.models import Event
from tests.driving import hurry, work
from tests.hooks import deliver, judge_all
from tests.shop import DOCUMENT, OVERRIDES, Shop
from tests.vendors import VendorServer, call

SECRET = "whsec_bXktcHJhY3RpY2Utc2VjcmV0LTEyMzQ="
WIRES = {"anthropic": "claude-sonnet-4-6", "openai": "gpt-5", "openai_chat": "llama3.3"}
DONE = '{"decision": "refunded", "confidence": 0.9}'


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture
def vendor(shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    for name, value in (("HOUSE_KEY", "sk-house"), ("SHOP_TOKEN", "token"), ("SHOP_HOOK", SECRET)):
        monkeypatch.setenv(name, value)
    settings.SECRET_NAMES = ("HOUSE_KEY", "SHOP_TOKEN", "SHOP_HOOK")
    settings.RETRY_BASE_S = 0.01
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = [*shop.allow, *server.allow]
        yield server
    registry.forget()


@pytest.fixture(autouse=True)
def people(transactional_db: None) -> dict[str, User]:
    """The demo people with their limits: 500 EUR and 10,000 EUR."""
    ensure_demo_people(password="five-hundred-and-more")
    join_empty_teams()
    return {user.username: user for user in User.objects.all()}


def package(wire: str, vendor: VendorServer, shop: Shop) -> dict[str, Any]:
    return {
        "package": "foreign",
        "teams": ["support"],
        "providers": [{"name": "house", "kind": wire, "base_url": vendor.url(wire), "api_key": "env:HOUSE_KEY"}],
        "connections": [
            {
                "name": "shop",
                "kind": "openapi",
                "document": "shop.openapi.json",
                "base_url": shop.url,
                "auth": {"header": "Authorization", "value": "env:SHOP_TOKEN"},
                "tools": OVERRIDES,
            }
        ],
        "policy": [
            {"tool": "shop.refund_order", "when": "args.amount_minor > 50000", "level": 3, "approvers": "finance"}
        ],
        "agents": [
            {
                "name": "refund-clerk",
                "team": "support",
                "instructions": "Settle refunds.",
                "model": f"house/{WIRES[wire]}",
                "tools": ["shop.*"],
                "mode": "live",
            }
        ],
        "sources": [{"name": "shop-orders", "signature": "standard_webhooks", "secret": "env:SHOP_HOOK"}],
        "triggers": [
            {
                "source": "shop-orders",
                "when": 'event.type == "refund.requested"',
                "agent": "refund-clerk",
                "goal": "Settle this refund request.",
            }
        ],
    }


def put(folder: Path, document: dict[str, Any]) -> None:
    (folder / "shop.openapi.json").write_text(json.dumps(DOCUMENT))
    file = folder / f"{document['package']}.yaml"
    file.write_text(yaml.safe_dump(document))
    call_command("apply", str(file), yes=True, stdout=StringIO())


def come_in(client: Client, order: str) -> Run:
    """Deliver a signed event and work until the run waits."""
    body = json.dumps({"type": "refund.requested", "order_id": order}).encode()
    answer = deliver(client, body, secret=SECRET, event_id=f"evt_{order}")
    assert answer.status_code == 202, answer.content
    judge_all()
    work()
    return Run.objects.get(pk=Event.objects.get(pk=answer.json()["id"]).run_ids[0])


def asks_for(vendor: VendorServer, order: str, amount_minor: int) -> None:
    given = {"order_id": order, "amount_minor": amount_minor, "currency": "EUR", "reason": "Broken.", "confidence": 0.9}
    vendor.say(call("shop.get_order", {"order_id": order}))
    vendor.say(call("shop.refund_order", given))
    vendor.say(text=DONE)


def sign(run: Run, user: User) -> None:
    request = Request.objects.get(run_id=run.pk, state="open")
    decide_request(request_id=request.pk, user=user, vote="approve", digest=request.action_digest, via="api")
    hurry(run)
    work()
    run.refresh_from_db()


def test_the_same_agent_on_every_wire_by_file_alone(
    vendor: VendorServer, shop: Shop, client: Client, people: dict[str, User], tmp_path: Path
) -> None:
    for wire, model in WIRES.items():
        put(tmp_path, package(wire, vendor, shop))
        order = f"F-{wire.replace('_', '-')}"
        asks_for(vendor, order, 64_000)
        run = come_in(client, order)
        assert (run.state, shop.paid(order)) == ("waiting_person", []), run.waiting_for
        sign(run, people["second-operator"])
        assert (run.state, shop.paid(order)) == ("completed", [64_000]), run.waiting_for
        assert (vendor.requests[-1].wire, vendor.requests[-1].model) == (wire, model)
    assert vendor.unexpected == 0


def test_an_installation_that_raises_the_limit_lets_the_operator_sign(
    vendor: VendorServer, shop: Shop, client: Client, people: dict[str, User], tmp_path: Path
) -> None:
    put(tmp_path, package("openai_chat", vendor, shop))
    asks_for(vendor, "F-1", 64_000)
    run = come_in(client, "F-1")
    with pytest.raises(NotAllowedToDecide, match="your limit in finance is €500.00"):
        sign(run, people["operator"])

    limits = {"operator": {"EUR": 100_000}, "second-operator": {"EUR": 1_000_000}}
    put(tmp_path, {"package": "ours", "groups": {"finance": {"people": list(limits), "limits": limits}}})

    sign(run, User.objects.get(username="operator"))
    assert (run.state, shop.paid("F-1")) == ("completed", [64_000])
