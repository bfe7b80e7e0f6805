"""Sample payloads: read from their files, and put into the shop's world so that each can be sent any number of times.

A sample may name records by "$order", "$other", "$ticket" or "$n"; sending it makes fresh ones first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import transaction

from config.ids import new_id
from integrations.practice.models import Order, Ticket
from integrations.practice.seeding import default_address
from integrations.practice.staging import OrderPlan, place_order, place_ticket
from integrations.practice.states import OrderStatus, PaymentStatus, Priority, ServiceLevel

FOLDER = Path(__file__).parent / "samples"
SOURCES: Mapping[str, str] = {
    "refunds": "practice-orders",
    "orders": "practice-orders",
    "tickets": "practice-tickets",
    "leads": "practice-leads",
}
EXPECTATIONS = ("alone", "notified", "approval", "hand_off", "question")


@dataclass(frozen=True, slots=True)
class Sample:
    """One payload, what must be in the shop for it, and how the ready-made agent is expected to end."""

    workflow: str
    name: str
    title: str
    expect: str
    setup: Mapping[str, Any]
    payload: Mapping[str, Any]

    @property
    def source(self) -> str:
        return SOURCES[self.workflow]


@lru_cache(maxsize=8)
def samples_of(workflow: str) -> tuple[Sample, ...]:
    """Return the samples of a workflow in the order of their files' names."""
    return tuple(_read(workflow, path) for path in sorted((FOLDER / workflow).glob("*.json")))


def _read(workflow: str, path: Path) -> Sample:
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Sample(
        workflow=workflow,
        name=path.stem,
        title=raw["title"],
        expect=raw["expect"],
        setup=raw.get("setup", {}),
        payload=raw["payload"],
    )


@transaction.atomic
def stage(setup: Mapping[str, Any], payload: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Make the records that the payload names and return it with their numbers in place of the names."""
    text = json.dumps(payload)
    numbers = {"$n": new_id().hex[-6:]}
    for name, plan in setup.items():
        if f'"{name}"' in text or name in text:
            numbers[name] = _order(plan, now=now) if name != "$ticket" else _ticket(plan, payload, now=now)
    return {key: _replaced(value, numbers) for key, value in payload.items()}


def _replaced(value: Any, numbers: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, number in numbers.items():
            value = value.replace(name, number)
        return value
    if isinstance(value, Mapping):
        return {key: _replaced(child, numbers) for key, child in value.items()}
    return [_replaced(child, numbers) for child in value] if isinstance(value, list) else value


def _order(plan: Mapping[str, Any], *, now: datetime) -> str:
    email = plan.get("email", "anna.keller@example.com")
    shipped = plan.get("shipped_days_ago")
    number = _free_order_number()
    place_order(
        OrderPlan(
            number=number,
            email=email,
            name=plan.get("name", ""),
            lines=plan["lines"],
            status=OrderStatus(plan.get("status", "new" if shipped is None else "delivered")),
            payment=PaymentStatus(plan.get("payment", "paid")),
            service_level=ServiceLevel(plan.get("service_level", "standard")),
            address=plan.get("address", default_address(email)),
            placed_days_ago=plan.get("placed_days_ago", 0 if shipped is None else shipped + 1),
            shipped_days_ago=shipped,
            refunded=tuple(plan.get("refunded", ())),
            note=plan.get("note", ""),
        ),
        now=now,
    )
    return number


def _free_order_number() -> str:
    number = 20_001 + Order.objects.filter(number__startswith="2").count()
    while Order.objects.filter(pk=str(number)).exists():
        number += 1
    return str(number)


def _ticket(plan: Mapping[str, Any], payload: Mapping[str, Any], *, now: datetime) -> str:
    number = 9_001 + Ticket.objects.count()
    while Ticket.objects.filter(pk=f"T-{number}").exists():
        number += 1
    customer = payload.get("customer") or {}
    ticket = place_ticket(
        f"T-{number}",
        email=plan.get("email") or customer.get("email", ""),
        name=plan.get("name") or customer.get("name", ""),
        subject=str(plan.get("subject") or payload.get("subject") or ""),
        body=str(plan.get("body") or payload.get("body") or ""),
        priority=Priority(plan.get("priority", "normal")),
        opened_minutes_ago=plan.get("opened_minutes_ago", 2),
        now=now,
    )
    return ticket.number
