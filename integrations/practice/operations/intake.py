"""How orders and tickets come into the shop's books from a sales channel that announced them.

Said twice with the same content it changes nothing. Prices come from the shop's own catalogue, never from the channel.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import Q

from integrations.practice.models import Customer, Order, OrderLine, Product, Ticket
from integrations.practice.operations.base import (
    EMAIL,
    ORDER_ID,
    TICKET_ID,
    Answer,
    Call,
    Operation,
    Refusal,
    conflict,
    text,
)
from integrations.practice.operations.history import note_change
from integrations.practice.operations.orders import whole_orders
from integrations.practice.operations.records import order_record, ticket_record
from integrations.practice.states import (
    FIRST_ANSWER_HOURS,
    SHIP_WITHIN_HOURS,
    PaymentStatus,
    Priority,
    ServiceLevel,
)

PAID_WORDS = frozenset({"paid", "captured", "succeeded", "bezahlt", "settled", "authorized", "authorised", "completed"})
DECLINED_WORDS = frozenset({"declined", "failed", "refused", "rejected", "abgelehnt", "canceled", "cancelled"})
MAX_QUANTITY = 100_000


def import_order(call: Call) -> Answer:
    """Take an order into the books; one that is known already is answered as it is."""
    number = str(call.arguments["order_id"])
    if not Order.objects.filter(pk=number).exists():
        _take_order(number, call)
        note_change(call, "import_order", number, f"Took order {number} into the books")
    return order_record(whole_orders().get(pk=number), now=call.now)


def _take_order(number: str, call: Call) -> None:
    lines = [_line(raw) for raw in call.arguments["lines"]]
    currency = _one_currency([product for product, _ in lines])
    level = _service_level(call.arguments.get("service_level"))
    order = Order.objects.create(
        number=number,
        customer=customer_for(call.arguments["customer_email"], name=call.arguments.get("customer_name", "")),
        payment_status=payment_word(call.arguments.get("payment_status")),
        service_level=level,
        currency=currency,
        total_minor=sum(product.price_minor * quantity for product, quantity in lines),
        address=_address(call.arguments.get("address")),
        note=str(call.arguments.get("note") or ""),
        placed_at=call.now,
        ship_by=call.now + timedelta(hours=SHIP_WITHIN_HOURS[level]),
        updated_at=call.now,
    )
    OrderLine.objects.bulk_create(
        OrderLine(order=order, product=product, quantity=quantity, price_minor=product.price_minor)
        for product, quantity in lines
    )


def _line(raw: dict[str, Any]) -> tuple[Product, int]:
    sku = str(raw["sku"])
    product = Product.objects.filter(pk=sku).first()
    if product is None:
        raise Refusal(422, "unknown_product", f"The shop does not sell {sku}.")
    return product, _quantity(raw.get("quantity", 1))


def _quantity(raw: object) -> int:
    plain = str(raw).strip()
    if not (plain.isascii() and plain.isdigit() and 0 < int(plain[:9]) <= MAX_QUANTITY):
        raise Refusal(422, "bad_quantity", f"{plain[:40]!r} is not a quantity.")
    return int(plain[:9])


def _one_currency(products: list[Product]) -> str:
    currencies = {product.currency for product in products}
    if len(currencies) != 1:
        raise Refusal(422, "mixed_currencies", "One order has one currency.")
    return currencies.pop()


def _service_level(raw: object) -> ServiceLevel:
    return ServiceLevel.EXPRESS if str(raw or "").lower() in ("express", "priority", "24h") else ServiceLevel.STANDARD


def payment_word(raw: object) -> PaymentStatus:
    """Return what a channel's word for a payment means here. What it does not say counts as not paid yet."""
    word = str(raw or "").strip().lower()
    if word in PAID_WORDS:
        return PaymentStatus.PAID
    return PaymentStatus.DECLINED if word in DECLINED_WORDS else PaymentStatus.PENDING


def _address(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    return {str(name): str(value) for name, value in raw.items() if value not in (None, "")}


def customer_for(email: str, *, name: str, number: str = "") -> Customer:
    known = Customer.objects.filter(Q(email__iexact=email)).first()
    if known:
        return known
    return Customer.objects.create(
        number=number or f"C-{uuid4().hex[:8]}", email=email.lower(), name=name or email.split("@")[0]
    )


def open_ticket(call: Call) -> Answer:
    """Take a ticket into the desk; one that is known already is answered as it is, if it is the same person's."""
    number, email = str(call.arguments["ticket_id"]), call.arguments["requester_email"].lower()
    ticket = Ticket.objects.filter(pk=number).first()
    if ticket is None:
        ticket = new_ticket(number, email=email, call=call)
        note_change(call, "open_ticket", number, f"Opened ticket {number}")
    elif ticket.requester_email.lower() != email:
        raise conflict("another_requester", f"Ticket {number} was opened by somebody else.")
    return ticket_record(ticket, now=call.now)


def new_ticket(number: str, *, email: str, call: Call) -> Ticket:
    given = call.arguments
    return Ticket.objects.create(
        number=number,
        requester_email=email,
        requester_name=given.get("requester_name", ""),
        subject=given.get("subject", ""),
        body=given.get("body", ""),
        order_number=given.get("order_id", ""),
        sla_due_at=due_at(Priority.NORMAL, now=call.now),
        created_at=call.now,
        updated_at=call.now,
    )


def due_at(priority: Priority, *, now: datetime) -> datetime:
    """Return by when a ticket of this priority should have its first answer."""
    return now + timedelta(hours=FIRST_ANSWER_HOURS[priority])


NAME = {"type": "string", "description": "Name of the person.", "maxLength": 200}
LINE = {
    "type": "object",
    "properties": {
        "sku": text("Article number.", max_length=40),
        "quantity": {"type": ["integer", "string"], "description": "How many; 1 when it is not said."},
    },
    "required": ["sku"],
}

OPERATIONS = (
    Operation(
        id="import_order",
        method="PUT",
        path="/orders/{order_id}",
        summary="Take an order that a sales channel announced into the books. Prices come from the catalogue.",
        arguments={
            "order_id": ORDER_ID,
            "customer_email": EMAIL,
            "customer_name": NAME,
            "lines": {
                "type": "array",
                "description": "What was ordered.",
                "items": LINE,
                "minItems": 1,
                "maxItems": 100,
            },
            "payment_status": {"type": "string", "description": "As the channel says it.", "maxLength": 40},
            "service_level": {"type": "string", "description": "As the channel says it.", "maxLength": 40},
            "address": {
                "type": ["object", "null"],
                "description": "Delivery address: street, postal_code, city, country.",
            },
            "note": {"type": ["string", "null"], "description": "The customer's words.", "maxLength": 5000},
        },
        required=("customer_email", "lines"),
        answers="Order",
        handler=import_order,
    ),
    Operation(
        id="open_ticket",
        method="PUT",
        path="/tickets/{ticket_id}",
        summary="Take a ticket that a channel announced into the service desk.",
        arguments={
            "ticket_id": TICKET_ID,
            "requester_email": EMAIL,
            "requester_name": NAME,
            "subject": {"type": "string", "description": "Subject line.", "maxLength": 300},
            "body": {"type": "string", "description": "What the customer wrote.", "maxLength": 20000},
            "order_id": {"type": "string", "description": "Number of the order it is about.", "maxLength": 40},
        },
        required=("requester_email",),
        answers="Ticket",
        handler=open_ticket,
    ),
)
