"""Fills the practice company, the same way each time. What agents did meanwhile stays; dates move along with today."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from integrations.practice import models
from integrations.practice.staging import OrderPlan, dates_of, place_order
from integrations.practice.states import OrderStatus, PaymentStatus, ServiceLevel

FOLDER = Path(__file__).parent / "seed"
NOT_TOUCHED_AFTER = (OrderStatus.SHIPPED, OrderStatus.DELIVERED)


@transaction.atomic
def seed(*, now: datetime, fresh: bool = False) -> dict[str, int]:
    """Fill what is missing and return how many rows there are per kind. `fresh` empties everything first."""
    if fresh:
        empty()
    for row in _rows("products"):
        models.Product.objects.get_or_create(sku=row.pop("sku"), defaults=row)
    for row in _rows("customers"):
        models.Customer.objects.get_or_create(number=row.pop("number"), defaults=row)
    for row in _rows("companies"):
        models.Company.objects.update_or_create(domain=row.pop("domain"), defaults=row)
    for row in _rows("articles"):
        models.Article.objects.update_or_create(slug=row.pop("slug"), defaults=row)
    _seed_orders(now)
    _seed_desk(now)
    return counts()


def empty() -> None:
    """Delete everything that the practice company knows, faults included."""
    ordered = (
        models.Refund,
        models.PickList,
        models.Shipment,
        models.OrderLine,
        models.Order,
        models.Customer,
        models.Product,
    )
    rest = [getattr(models, name) for name in models.__all__]
    for model in (*ordered, *rest):
        model.objects.all().delete()


def counts() -> dict[str, int]:
    kinds = (models.Product, models.Customer, models.Order, models.Company, models.Article, models.Ticket)
    return {kind.__name__.lower(): kind.objects.count() for kind in kinds}


def _rows(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def default_address(email: str) -> dict[str, str]:
    """Return the address that the shop knows for one of its first customers."""
    found: dict[str, str] = _rows("addresses").get(email, {})
    return found


def _seed_orders(now: datetime) -> None:
    addresses = _rows("addresses")
    for row in _rows("orders"):
        plan = _plan(row, addresses)
        known = models.Order.objects.filter(pk=plan.number).first()
        if known is None:
            place_order(plan, now=now)
        elif known.status == plan.status and plan.status in NOT_TOUCHED_AFTER:
            models.Order.objects.filter(pk=plan.number).update(**dates_of(plan, now=now))


def _plan(row: dict[str, Any], addresses: dict[str, Any]) -> OrderPlan:
    return OrderPlan(
        number=row["number"],
        email=row["customer"],
        lines=row["lines"],
        status=OrderStatus(row["status"]),
        payment=PaymentStatus(row.get("payment", "paid")),
        service_level=ServiceLevel(row.get("service_level", "standard")),
        address=row.get("address", addresses.get(row["customer"], {})),
        placed_days_ago=row.get("placed", row.get("shipped", 0) + 1),
        shipped_days_ago=row.get("shipped"),
        refunded=tuple(row.get("refunded", ())),
    )


def _seed_desk(now: datetime) -> None:
    desk = _rows("desk")
    for row in desk["tickets"]:
        opened = now - timedelta(minutes=row.pop("minutes_ago"))
        dates = {"created_at": opened, "updated_at": opened, "sla_due_at": opened + timedelta(hours=24)}
        models.Ticket.objects.get_or_create(number=row.pop("number"), defaults={**row, **dates})
    for row in desk["invoices"]:
        received = now - timedelta(days=row.pop("days_ago"))
        models.Invoice.objects.get_or_create(number=row.pop("number"), defaults={**row, "received_at": received})
