"""JSON Schemas of what the practice company answers."""

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_TRUTH: dict[str, Any] = {"type": "boolean"}
_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _object(optional: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_TEXTS = {"type": "array", "items": _TEXT}

ANSWERS: dict[str, dict[str, Any]] = {
    "OrderLine": _object(sku=_TEXT, name=_TEXT, quantity=_WHOLE, price_minor=_WHOLE),
    "Order": _object(
        ("days_since_shipped",),
        order_id=_TEXT,
        status=_TEXT,
        payment_status=_TEXT,
        customer_id=_TEXT,
        customer_name=_TEXT,
        customer_email=_TEXT,
        note=_TEXT,
        placed_at=_MOMENT,
        currency=_TEXT,
        total_minor=_WHOLE,
        refunded_minor=_WHOLE,
        refundable_minor=_WHOLE,
        refunds=_list("Refund"),
        service_level=_TEXT,
        ship_by=_MOMENT,
        hours_to_ship_by=_WHOLE,
        address={"type": "object"},
        address_complete=_TRUTH,
        address_missing=_TEXTS,
        shipped_at=_or_null(_MOMENT),
        delivered_at=_or_null(_MOMENT),
        pick_list_id=_or_null(_TEXT),
        tracking=_or_null(_TEXT),
        open=_TRUTH,
        days_since_shipped=_WHOLE,
        lines=_list("OrderLine"),
    ),
    "OrderList": _object(orders=_list("Order")),
    "CancelledOrders": _object(cancelled=_TEXTS, count=_WHOLE),
    "Product": _object(
        sku=_TEXT,
        name=_TEXT,
        price_minor=_WHOLE,
        currency=_TEXT,
        available=_WHOLE,
        restock_days=_or_null(_WHOLE),
        dropship_supplier=_or_null(_TEXT),
    ),
    "Refund": _object(
        refund_id=_TEXT,
        order_id=_TEXT,
        amount_minor=_WHOLE,
        currency=_TEXT,
        note=_TEXT,
        status=_TEXT,
        created_at=_MOMENT,
    ),
    "RefundList": _object(count=_WHOLE, paid_count=_WHOLE, paid_minor={"type": "object"}, refunds=_list("Refund")),
    "Reply": _object(body=_TEXT, created_at=_MOMENT),
    "Ticket": _object(
        ticket_id=_TEXT,
        requester_email=_TEXT,
        requester_name=_TEXT,
        subject=_TEXT,
        body=_TEXT,
        order_id=_or_null(_TEXT),
        status=_TEXT,
        category=_TEXT,
        priority=_TEXT,
        queue=_TEXT,
        resolution=_TEXT,
        sla_due_at=_MOMENT,
        minutes_to_sla=_WHOLE,
        replies=_list("Reply"),
    ),
    "TicketList": _object(tickets=_list("Ticket")),
    "Article": _object(slug=_TEXT, language=_TEXT, title=_TEXT, body=_TEXT, score_percent=_WHOLE),
    "ArticleList": _object(articles=_list("Article")),
    "Mail": _object(
        mail_id=_TEXT,
        to=_TEXT,
        subject=_TEXT,
        body=_TEXT,
        sent_at=_MOMENT,
        opened_at=_or_null(_MOMENT),
        clicked_at=_or_null(_MOMENT),
    ),
    "MailList": _object(count=_WHOLE, mail=_list("Mail")),
    "Company": _object(
        found=_TRUTH,
        domain=_TEXT,
        name=_TEXT,
        industry=_TEXT,
        employees=_or_null(_WHOLE),
        country=_TEXT,
        competitor=_TRUTH,
        complete=_TRUTH,
    ),
    "Customer": _object(customer_id=_TEXT, name=_TEXT, email=_TEXT, company=_TEXT, country=_TEXT, vip=_TRUTH),
    "CrmRecord": _object(
        (
            "lead_id",
            "name",
            "company",
            "domain",
            "job_title",
            "employees",
            "tier",
            "score",
            "value_minor",
            "currency",
            "summary",
            "created_at",
            "mails",
        ),
        found=_TRUTH,
        email=_TEXT,
        lead_id=_TEXT,
        name=_TEXT,
        company=_TEXT,
        domain=_TEXT,
        job_title=_TEXT,
        employees=_or_null(_WHOLE),
        tier=_TEXT,
        score=_WHOLE,
        value_minor=_WHOLE,
        currency=_TEXT,
        summary=_TEXT,
        created_at=_or_null(_MOMENT),
        mails=_list("Mail"),
    ),
    "Subscription": _object(email=_TEXT, list=_TEXT, added=_TRUTH),
    "Notice": _object(channel=_TEXT, text=_TEXT, posted_at=_MOMENT),
    "FollowUp": _object(email=_TEXT, task=_TEXT, due_at=_MOMENT),
}
