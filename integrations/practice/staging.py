"""Orders and tickets put into the shop as they would have come about before anybody looked: for seeds and samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from integrations.practice.models import Order, OrderLine, PickList, Product, Refund, Shipment, Ticket
from integrations.practice.operations.intake import customer_for, due_at
from integrations.practice.states import (
    SHIP_WITHIN_HOURS,
    OrderStatus,
    PaymentStatus,
    Priority,
    ServiceLevel,
)

PICKED = (OrderStatus.PICKING, OrderStatus.READY, OrderStatus.SHIPPED, OrderStatus.DELIVERED)
SENT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED)


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """An order as it should be found. `refunded`: amounts that went back already."""

    number: str
    email: str
    lines: Mapping[str, int]
    name: str = ""
    status: OrderStatus = OrderStatus.NEW
    payment: PaymentStatus = PaymentStatus.PAID
    service_level: ServiceLevel = ServiceLevel.STANDARD
    address: Mapping[str, Any] = field(default_factory=dict)
    placed_days_ago: int = 0
    shipped_days_ago: int | None = None
    refunded: tuple[int, ...] = ()
    note: str = ""


def place_order(plan: OrderPlan, *, now: datetime) -> Order:
    """Write the order with its lines and whatever its status says has happened."""
    products = {row.sku: row for row in Product.objects.filter(pk__in=plan.lines)}
    order = Order.objects.create(
        number=plan.number,
        customer=customer_for(plan.email, name=plan.name),
        status=plan.status,
        payment_status=plan.payment,
        service_level=plan.service_level,
        currency=products[next(iter(plan.lines))].currency,
        total_minor=sum(products[sku].price_minor * count for sku, count in plan.lines.items()),
        address=dict(plan.address),
        note=plan.note,
        **dates_of(plan, now=now),
    )
    OrderLine.objects.bulk_create(
        OrderLine(order=order, product=products[sku], quantity=count, price_minor=products[sku].price_minor)
        for sku, count in plan.lines.items()
    )
    _write_papers(order, plan, now=now)
    return order


def dates_of(plan: OrderPlan, *, now: datetime) -> dict[str, datetime | None]:
    """Return when the order was placed, must leave, left and arrived."""
    placed = now - timedelta(days=plan.placed_days_ago, minutes=20)
    shipped = None if plan.shipped_days_ago is None else now - timedelta(days=plan.shipped_days_ago, minutes=5)
    arrived = shipped + timedelta(days=1) if shipped and plan.status == OrderStatus.DELIVERED else None
    return {
        "placed_at": placed,
        "ship_by": placed + timedelta(hours=SHIP_WITHIN_HOURS[plan.service_level]),
        "shipped_at": shipped,
        "delivered_at": arrived,
        "updated_at": arrived or shipped or placed,
    }


def _write_papers(order: Order, plan: OrderPlan, *, now: datetime) -> None:
    if plan.status in PICKED:
        lines = [{"sku": sku, "quantity": count} for sku, count in plan.lines.items()]
        PickList.objects.create(order=order, lines=lines, created_at=order.placed_at)
    if plan.status in (OrderStatus.READY, *SENT):
        Shipment.objects.create(
            order=order,
            carrier="Parcel Post",
            service=plan.service_level,
            tracking=f"PP-{order.number}",
            created_at=order.shipped_at or now,
            expected_at=order.delivered_at or now + timedelta(days=2),
        )
    for amount in plan.refunded:
        Refund.objects.create(
            order=order, amount_minor=amount, currency=order.currency, note="before", created_at=order.updated_at
        )


def place_ticket(
    number: str,
    *,
    email: str,
    name: str = "",
    subject: str = "",
    body: str = "",
    priority: Priority = Priority.NORMAL,
    opened_minutes_ago: int = 2,
    now: datetime,
) -> Ticket:
    """Write a ticket as the desk has it before an agent sees it."""
    opened = now - timedelta(minutes=opened_minutes_ago)
    return Ticket.objects.create(
        number=number,
        requester_email=email.lower(),
        requester_name=name,
        subject=subject[:300],
        body=body,
        priority=priority,
        sla_due_at=due_at(priority, now=opened),
        created_at=opened,
        updated_at=opened,
    )
