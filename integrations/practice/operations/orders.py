"""What happens to an order between the click and the parcel."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from integrations.practice.models import Order, PickList, Shipment
from integrations.practice.operations.base import (
    EMAIL,
    ORDER_ID,
    Answer,
    Call,
    Operation,
    conflict,
    not_found,
    one_of,
    whole,
)
from integrations.practice.operations.history import note_change
from integrations.practice.operations.records import missing_address_fields, order_record
from integrations.practice.operations.stock import release, reserve
from integrations.practice.states import OrderStatus, PaymentStatus, ServiceLevel

CANCELLABLE = frozenset({OrderStatus.NEW, OrderStatus.PICKING, OrderStatus.BACKORDERED, OrderStatus.READY})
WAITING = frozenset({OrderStatus.NEW, OrderStatus.BACKORDERED})


def whole_orders() -> QuerySet[Order]:
    return Order.objects.select_related("customer", "pick_list", "shipment").prefetch_related(
        "lines__product", "refunds"
    )


def locked_order(number: str) -> Order:
    """Return the order, locked until the transaction ends, so that two calls on it follow each other."""
    if Order.objects.select_for_update().filter(pk=number).first() is None:
        raise not_found("order", number)
    return whole_orders().get(pk=number)


def get_order(call: Call) -> Answer:
    number = str(call.arguments["order_id"])
    order = whole_orders().filter(pk=number).first()
    if order is None:
        raise not_found("order", number)
    return order_record(order, now=call.now)


def find_orders(call: Call) -> Answer:
    """Return a customer's latest orders."""
    rows = whole_orders().filter(customer__email__iexact=call.arguments["email"]).order_by("-placed_at")
    return {"orders": [order_record(row, now=call.now) for row in rows[:20]]}


def reserve_stock(call: Call) -> Answer:
    """Promise the goods to an order; an order that has them already is answered as it is."""
    order = locked_order(str(call.arguments["order_id"]))
    if order.reserved_at is None:
        _check_may_go_on(order)
        reserve(order, now=call.now)
        order.save(update_fields=["reserved_at", "updated_at"])
        note_change(call, "reserve_stock", order.number, f"Reserved the goods of order {order.number}")
    return order_record(order, now=call.now)


def create_pick_list(call: Call) -> Answer:
    """Reserve the goods and tell the warehouse what to take from the shelves."""
    order = locked_order(str(call.arguments["order_id"]))
    _check_may_go_on(order)
    if order.reserved_at is None:
        reserve(order, now=call.now)
    lines = [{"sku": line.product_id, "quantity": line.quantity} for line in order.lines.all()]
    PickList.objects.create(order=order, lines=lines, created_at=call.now)
    _move(order, OrderStatus.PICKING, call)
    note_change(call, "create_pick_list", order.number, f"Pick list for order {order.number}")
    return _again(order, call)


def create_shipment(call: Call) -> Answer:
    """Book the carrier for a picked order: it gets its tracking number and is ready to leave."""
    order = locked_order(str(call.arguments["order_id"]))
    if order.status != OrderStatus.PICKING:
        raise conflict("not_picked", f"Order {order.number} is {order.status}; a shipment needs its pick list first.")
    shipment = Shipment.objects.create(
        order=order,
        carrier="Parcel Post",
        service=call.arguments.get("service", order.service_level),
        tracking=f"PP{order.pick_list.pk:06d}{call.now:%y%m%d}",
        created_at=call.now,
        expected_at=order.ship_by,
    )
    _move(order, OrderStatus.READY, call)
    note_change(call, "create_shipment", order.number, f"Order {order.number} is ready, tracking {shipment.tracking}")
    return _again(order, call)


def backorder_order(call: Call) -> Answer:
    """Let the order wait until its goods are back."""
    order = locked_order(str(call.arguments["order_id"]))
    _check_waiting(order)
    _move(order, OrderStatus.BACKORDERED, call)
    days = call.arguments.get("expected_days")
    when = f", expected in {days} days" if days else ""
    note_change(call, "backorder_order", order.number, f"Order {order.number} waits for stock{when}")
    return _again(order, call)


def dropship_order(call: Call) -> Answer:
    """Have the suppliers send what the shop has not; each line must be in stock or have a supplier who does."""
    order = locked_order(str(call.arguments["order_id"]))
    _check_may_go_on(order)
    for line in order.lines.all():
        if not line.product.dropship_supplier and line.product.available < line.quantity:
            raise conflict("no_supplier", f"No supplier sends {line.product_id} directly.")
    _move(order, OrderStatus.DROPSHIPPED, call)
    note_change(call, "dropship_order", order.number, f"Order {order.number} is sent by its supplier")
    return _again(order, call)


def cancel_order(call: Call) -> Answer:
    order = locked_order(str(call.arguments["order_id"]))
    _cancel(order, call)
    return _again(order, call)


def cancel_orders(call: Call) -> Answer:
    """Cancel several orders, all of them or none."""
    numbers = sorted({str(number) for number in call.arguments["order_ids"]})
    for number in numbers:
        _cancel(locked_order(number), call)
    return {"cancelled": numbers, "count": len(numbers)}


def _cancel(order: Order, call: Call) -> None:
    if order.status not in CANCELLABLE:
        raise conflict("too_late", f"Order {order.number} is {order.status} and can no longer be cancelled.")
    if order.reserved_at is not None:
        release(order)
    _move(order, OrderStatus.CANCELLED, call)
    note_change(call, "cancel_order", order.number, f"Cancelled order {order.number}")


def _check_waiting(order: Order) -> None:
    if order.status not in WAITING:
        raise conflict("wrong_state", f"Order {order.number} is {order.status}.")


def _check_may_go_on(order: Order) -> None:
    _check_waiting(order)
    if order.payment_status != PaymentStatus.PAID:
        raise conflict("not_paid", f"The payment of order {order.number} is {order.payment_status}.")
    if missing := missing_address_fields(order.address):
        raise conflict("address_incomplete", f"The address of order {order.number} lacks {', '.join(missing)}.")


def _move(order: Order, status: OrderStatus, call: Call) -> None:
    order.status = status
    order.updated_at = call.now
    order.save(update_fields=["status", "reserved_at", "updated_at"])


def _again(order: Order, call: Call) -> Answer:
    return order_record(whole_orders().get(pk=order.number), now=call.now)


def _on_order(
    id_: str, path: str, summary: str, handler: Callable[[Call], Answer], **more: dict[str, Any]
) -> Operation:
    return Operation(
        id=id_,
        method="POST",
        path=f"/orders/{{order_id}}/{path}",
        summary=summary,
        arguments={"order_id": ORDER_ID, **more},
        answers="Order",
        handler=handler,
    )


OPERATIONS = (
    Operation(
        id="get_order",
        method="GET",
        path="/orders/{order_id}",
        summary="Read one order: state, payment, address, lines, shipment, refunds and days since it was shipped.",
        arguments={"order_id": ORDER_ID},
        answers="Order",
        handler=get_order,
    ),
    Operation(
        id="find_orders",
        method="GET",
        path="/orders",
        summary="List the latest orders of one customer.",
        arguments={"email": EMAIL},
        required=("email",),
        answers="OrderList",
        handler=find_orders,
    ),
    _on_order("reserve_stock", "reservation", "Promise the goods on the shelf to one order.", reserve_stock),
    _on_order(
        "create_pick_list",
        "pick-list",
        "Reserve the goods of an order and tell the warehouse to pick them. Needs payment, address and stock.",
        create_pick_list,
    ),
    _on_order(
        "create_shipment",
        "shipment",
        "Book the carrier for a picked order: gives its tracking number, the order is ready for fulfilment.",
        create_shipment,
        service=one_of("How fast.", [str(level) for level in ServiceLevel]),
    ),
    _on_order(
        "backorder_order",
        "backorder",
        "Let an order wait until its goods are restocked.",
        backorder_order,
        expected_days=whole("Days until the goods are expected.", maximum=365),
    ),
    _on_order("dropship_order", "dropship", "Have the supplier send an order directly.", dropship_order),
    _on_order("cancel_order", "cancel", "Cancel one order that has not left yet.", cancel_order),
    Operation(
        id="cancel_orders",
        method="POST",
        path="/order-cancellations",
        summary="Cancel several orders at once, all of them or none.",
        arguments={
            "order_ids": {
                "type": "array",
                "description": "Numbers of the orders.",
                "items": ORDER_ID,
                "minItems": 1,
                "maxItems": 200,
            }
        },
        required=("order_ids",),
        answers="CancelledOrders",
        handler=cancel_orders,
    ),
)
