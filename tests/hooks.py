"""Sources, triggers and signed deliveries for tests, posted through the real door."""

import json
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from config.secrets import seal
from integrations.jobs import EventClaimer
from integrations.models import Event, Source, Trigger
from integrations.webhooks import signatures
from tests.unit.integrations.webhook_vectors import secret_of

SCHEMA = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "order_id": {"type": "string"}, "amount_minor": {"type": "integer"}},
    "required": ["type", "order_id"],
}


def source(name: str = "shop-orders", signature: str = "standard_webhooks", **fields: Any) -> Source:
    given = {"secret": seal(secret_of(signature)), "subject": "event.order_id", **fields}
    return Source.objects.create(name=name, signature=signature, **given)


def trigger(row: Source, when: str = 'event.type == "refund.requested"', agent: str = "refund-clerk") -> Trigger:
    return Trigger.objects.create(source=row, when=when, agent=agent, goal="Settle this refund request.")


def refund(order_id: str = "20871", **more: Any) -> bytes:
    return json.dumps({"type": "refund.requested", "order_id": order_id, **more}).encode()


def deliver(
    client: Client,
    body: bytes = refund(),
    *,
    source: str = "shop-orders",
    signature: str = "standard_webhooks",
    event_id: str = "evt_1",
    secret: str = "",
    content_type: str = "application/json",
    **headers: str,
) -> Any:
    """Post the body as its sender would; further headers replace or add."""
    made = signatures.sign(
        signature,
        body,
        secret or secret_of(signature),
        event_id=event_id,
        now=datetime.now(tz=UTC),
        url=f"https://countersign.example/hooks/{source}/",
    )
    path = made.url.removeprefix("https://countersign.example") or f"/hooks/{source}/"
    sent = {**dict(made.headers), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.post(path, data=body, content_type=content_type, headers={k: v for k, v in sent.items() if v})


def judge_all() -> int:
    """Be the worker: judge every received event; return how many."""
    tasks = EventClaimer().claim(50)
    for task in tasks:
        task()
    return len(tasks)


def only_event() -> Event:
    return Event.objects.select_related("source").get()
