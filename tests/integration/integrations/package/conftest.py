"""A small shop as a package, and people of each role."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Group, User

SHOP_API = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/orders/{order_id}": {
            "get": {
                "operationId": "get_order",
                "parameters": [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "The order"}},
            }
        },
        "/refunds": {
            "post": {
                "operationId": "refund_order",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["order_id", "amount_minor", "currency"],
                                "properties": {
                                    "order_id": {"type": "string"},
                                    "amount_minor": {"type": "integer"},
                                    "currency": {"type": "string"},
                                },
                            }
                        }
                    },
                },
                "responses": {"201": {"description": "Refunded"}},
            }
        },
    },
}


def shop_package() -> dict[str, Any]:
    """The example of the design, as a document that tests may change."""
    return {
        "package": "shop",
        "teams": ["support", "sales"],
        "groups": {"finance": {"people": ["operator"], "limits": {"operator": {"EUR": 50000}}}},
        "providers": [{"name": "local", "kind": "openai_chat", "base_url": "http://127.0.0.1:4010/v1"}],
        "connections": [
            {
                "name": "shop",
                "kind": "openapi",
                "document": SHOP_API,
                "base_url": "http://127.0.0.1:8711",
                "auth": {"header": "Authorization", "value": "env:SHOP_TOKEN"},
                "tools": {
                    "refund_order": {
                        "effect": "keyed",
                        "idempotency": {"header": "Idempotency-Key", "window_h": 23},
                        "money": {"amount": "amount_minor", "currency": "currency"},
                        "target": {"argument": "order_id", "by": "get_order", "show": ["total_minor"]},
                        "sentence": "Refund {money} for order {order_id}",
                        "authority": ["order_id", "amount_minor", "currency"],
                    }
                },
            }
        ],
        "policy": [
            {
                "tool": "shop.refund_order",
                "when": 'args.currency == "EUR" && args.amount_minor <= 5000',
                "level": 1,
                "constrain": {"order_id": "event.order_id", "amount_minor": {"max": 5000}, "currency": ["EUR"]},
            },
            {"tool": "shop.refund_order", "when": "args.amount_minor > 5000", "level": 3, "approvers": "finance"},
        ],
        "agents": [
            {
                "name": "refund-clerk",
                "team": "support",
                "category": "refunds",
                "instructions": "Settle the refund.\nBe exact.\n",
                "model": "local/some-model",
                "tools": ["shop.*"],
                "outcome": {"type": "object", "properties": {"decision": {"type": "string"}}},
                "confidence_floor": 0.7,
                "limits": {"turns": 12, "cost_usd": 0.5, "moved_minor_per_day": {"EUR": 500000}},
                "mode": "live",
            }
        ],
        "sources": [
            {
                "name": "shop-orders",
                "signature": "standard_webhooks",
                "secret": "env:SHOP_HOOK_SECRET",
                "schema": {"type": "object", "properties": {"amount": {"type": "number", "maximum": 1.5}}},
                "subject": "event.order_id",
            }
        ],
        "triggers": [
            {
                "source": "shop-orders",
                "when": 'event.type == "refund.requested"',
                "agent": "refund-clerk",
                "goal": "Settle this refund request.",
            }
        ],
    }


@pytest.fixture
def person(db: None) -> Callable[[str, str], User]:
    def make(name: str, role: str) -> User:
        user = User.objects.create_user(username=name, password="correct horse battery")
        user.groups.add(Group.objects.get(name=role))
        return user

    return make


@pytest.fixture
def people(person: Callable[[str, str], User]) -> dict[str, User]:
    return {
        name: person(name, name.removeprefix("second-")) for name in ("operator", "admin", "second-admin", "auditor")
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    def make(document: dict[str, Any]) -> str:
        path = tmp_path / f"{document['package']}.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return str(path)

    return make


@pytest.fixture
def apply(write: Callable[[dict[str, Any]], str], capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command; returns its exit code and what it printed."""
    from io import StringIO

    from django.core.management import CommandError, call_command

    def run(*documents: dict[str, Any], **options: Any) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("apply", *[write(document) for document in documents], stdout=out, **options)
        except CommandError as error:
            return error.returncode, out.getvalue() + str(error)
        return 0, out.getvalue()

    return run
