"""Money back to a customer: never more than what is left, never in another currency."""

from datetime import datetime

from django.db.models import QuerySet, Sum

from integrations.practice.models import Mail, Order, Refund
from integrations.practice.operations import orders
from integrations.practice.operations.base import (
    AMOUNT,
    CURRENCY,
    EMAIL,
    ORDER_ID,
    Answer,
    Call,
    Operation,
    conflict,
    not_found,
    text,
    whole,
)
from integrations.practice.operations.history import note_change
from integrations.practice.operations.records import refund_record, refunded_minor
from integrations.practice.states import PaymentStatus, RefundStatus
from integrations.practice.wording import money_text


def refund_order(call: Call) -> Answer:
    """Pay one refund and write its confirmation into the outbox."""
    order = orders.locked_order(str(call.arguments["order_id"]))
    amount, currency = call.arguments["amount_minor"], call.arguments["currency"]
    _check_person(order, call.arguments.get("requested_by"))
    _check_refundable(order, amount=amount, currency=currency)
    refund = Refund.objects.create(
        order=order,
        amount_minor=amount,
        currency=currency,
        note=call.arguments.get("note", ""),
        idempotency_key=call.key,
        created_at=call.now,
    )
    _confirm_by_mail(refund, now=call.now)
    said = money_text(amount, currency)
    note_change(call, "refund_order", order.number, f"Refunded {said} on order {order.number} ({refund.number})")
    return refund_record(refund)


def _check_person(order: Order, requested_by: str | None) -> None:
    if requested_by is not None and requested_by.lower() != order.customer.email.lower():
        raise conflict("another_customer", f"Order {order.number} was placed by somebody else.")


def _check_refundable(order: Order, *, amount: int, currency: str) -> None:
    if currency != order.currency:
        raise conflict("currency_mismatch", f"Order {order.number} was paid in {order.currency}, not in {currency}.")
    if order.payment_status != PaymentStatus.PAID:
        raise conflict("not_paid", f"Order {order.number} has not been paid.")
    left = order.total_minor - refunded_minor(order)
    if amount > left:
        raise conflict(
            "more_than_left", f"Only {money_text(left, currency)} of order {order.number} can still be refunded."
        )


def _confirm_by_mail(refund: Refund, *, now: datetime) -> None:
    said = money_text(refund.amount_minor, refund.currency)
    Mail.objects.create(
        to=refund.order.customer.email,
        subject=f"Your refund of {said} for order {refund.order_id}",
        body=f"Hello {refund.order.customer.name},\n\nwe have refunded {said} for your order {refund.order_id}.",
        about=refund.order_id,
        sent_at=now,
    )


def cancel_refund(call: Call) -> Answer:
    """Take a refund back; a cancelled one stays cancelled."""
    refund = _refund(str(call.arguments["refund_id"]), Refund.objects.select_for_update())
    if refund.status == RefundStatus.PAID:
        refund.status = RefundStatus.CANCELLED
        refund.cancelled_at = call.now
        refund.save(update_fields=["status", "cancelled_at"])
        note_change(call, "cancel_refund", refund.order_id, f"Cancelled refund {refund.number}")
    return refund_record(refund)


def _refund(number: str, rows: QuerySet[Refund]) -> Refund:
    plain = number.removeprefix("R-")
    if not plain.isascii() or not plain.isdigit() or len(plain) > 18:
        raise not_found("refund", number)
    refund = rows.filter(pk=int(plain)).first()
    if refund is None:
        raise not_found("refund", number)
    return refund


def get_refund(call: Call) -> Answer:
    return refund_record(_refund(str(call.arguments["refund_id"]), Refund.objects.all()))


def list_refunds(call: Call) -> Answer:
    """Return the refunds, newest first, with their number and the sums still paid per currency."""
    rows = Refund.objects.order_by("-pk")
    if order_id := call.arguments.get("order_id"):
        rows = rows.filter(order_id=order_id)
    paid = rows.filter(status=RefundStatus.PAID).order_by()
    sums = paid.values_list("currency").annotate(total=Sum("amount_minor"))
    limit = int(call.arguments.get("limit", 100))
    return {
        "count": rows.count(),
        "paid_count": paid.count(),
        "paid_minor": dict(sums),
        "refunds": [refund_record(row) for row in rows[:limit]],
    }


REFUND_ID = text("Number of the refund.", max_length=40)

OPERATIONS = (
    Operation(
        id="refund_order",
        method="POST",
        path="/orders/{order_id}/refunds",
        summary="Pay money back to the customer of one order. Refuses more than what is left and another currency.",
        arguments={
            "order_id": ORDER_ID,
            "amount_minor": AMOUNT,
            "currency": CURRENCY,
            "note": text("Why, for the shop's own file.", max_length=1000),
            "requested_by": {
                **EMAIL,
                "description": "Address of the customer who asks. Refused when it is not the order's.",
            },
        },
        required=("amount_minor", "currency"),
        answers="Refund",
        handler=refund_order,
    ),
    Operation(
        id="cancel_refund",
        method="POST",
        path="/refunds/{refund_id}/cancel",
        summary="Take a refund back.",
        arguments={"refund_id": REFUND_ID},
        answers="Refund",
        handler=cancel_refund,
    ),
    Operation(
        id="get_refund",
        method="GET",
        path="/refunds/{refund_id}",
        summary="Read one refund.",
        arguments={"refund_id": REFUND_ID},
        answers="Refund",
        handler=get_refund,
    ),
    Operation(
        id="list_refunds",
        method="GET",
        path="/refunds",
        summary="List refunds, newest first, with their count and the sums that are still paid.",
        arguments={"order_id": ORDER_ID, "limit": whole("How many to show.", minimum=1, maximum=1000)},
        answers="RefundList",
        handler=list_refunds,
    ),
)
