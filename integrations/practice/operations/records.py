"""Rows as the practice company's API shows them."""

from datetime import datetime
from typing import Any

from integrations.practice.models import (
    Company,
    CrmRecord,
    Customer,
    Order,
    Product,
    Refund,
    Ticket,
)
from integrations.practice.states import OrderStatus, RefundStatus

REQUIRED_ADDRESS = ("street", "postal_code", "city", "country")


def moment(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None


def missing_address_fields(address: Any) -> list[str]:
    """Return which parts of an address a parcel cannot do without and this one lacks."""
    if not isinstance(address, dict):
        return list(REQUIRED_ADDRESS)
    return [name for name in REQUIRED_ADDRESS if not str(address.get(name) or "").strip()]


def customer_record(customer: Customer) -> dict[str, Any]:
    return {
        "customer_id": customer.number,
        "name": customer.name,
        "email": customer.email,
        "company": customer.company,
        "country": customer.country,
        "vip": customer.vip,
    }


def product_record(product: Product) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "name": product.name,
        "price_minor": product.price_minor,
        "currency": product.currency,
        "available": product.available,
        "restock_days": product.restock_days,
        "dropship_supplier": product.dropship_supplier or None,
    }


def refund_record(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.number,
        "order_id": refund.order_id,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "note": refund.note,
        "status": refund.status,
        "created_at": moment(refund.created_at),
    }


def refunded_minor(order: Order) -> int:
    return sum(refund.amount_minor for refund in order.refunds.all() if refund.status == RefundStatus.PAID)


def order_record(order: Order, *, now: datetime) -> dict[str, Any]:
    """Return one order with everything a clerk needs: `days_since_shipped` is absent until it has left."""
    return {
        **_order_head(order),
        **_order_money(order),
        **_order_delivery(order, now=now),
        "lines": [_line(line) for line in order.lines.all()],
    }


def _order_head(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.number,
        "status": order.status,
        "payment_status": order.payment_status,
        "customer_id": order.customer_id,
        "customer_name": order.customer.name,
        "customer_email": order.customer.email,
        "note": order.note,
        "placed_at": moment(order.placed_at),
    }


def _order_money(order: Order) -> dict[str, Any]:
    refunded = refunded_minor(order)
    return {
        "currency": order.currency,
        "total_minor": order.total_minor,
        "refunded_minor": refunded,
        "refundable_minor": max(order.total_minor - refunded, 0),
        "refunds": [refund_record(refund) for refund in order.refunds.all()],
    }


def _order_delivery(order: Order, *, now: datetime) -> dict[str, Any]:
    missing = missing_address_fields(order.address)
    record = {
        "service_level": order.service_level,
        "ship_by": moment(order.ship_by),
        "hours_to_ship_by": int((order.ship_by - now).total_seconds() // 3600),
        "address": order.address,
        "address_complete": not missing,
        "address_missing": missing,
        "shipped_at": moment(order.shipped_at),
        "delivered_at": moment(order.delivered_at),
        "pick_list_id": order.pick_list.number if hasattr(order, "pick_list") else None,
        "tracking": order.shipment.tracking if hasattr(order, "shipment") else None,
        "open": order.status in (OrderStatus.NEW, OrderStatus.BACKORDERED),
    }
    if order.shipped_at:
        record["days_since_shipped"] = (now - order.shipped_at).days
    return record


def _line(line: Any) -> dict[str, Any]:
    return {
        "sku": line.product_id,
        "name": line.product.name,
        "quantity": line.quantity,
        "price_minor": line.price_minor,
    }


def ticket_record(ticket: Ticket, *, now: datetime) -> dict[str, Any]:
    return {
        "ticket_id": ticket.number,
        "requester_email": ticket.requester_email,
        "requester_name": ticket.requester_name,
        "subject": ticket.subject,
        "body": ticket.body,
        "order_id": ticket.order_number or None,
        "status": ticket.status,
        "category": ticket.category,
        "priority": ticket.priority,
        "queue": ticket.queue,
        "resolution": ticket.resolution,
        "sla_due_at": moment(ticket.sla_due_at),
        "minutes_to_sla": int((ticket.sla_due_at - now).total_seconds() // 60),
        "replies": [{"body": reply.body, "created_at": moment(reply.created_at)} for reply in ticket.replies.all()],
    }


def company_record(company: Company) -> dict[str, Any]:
    """Return a company as the enrichment service answers it; `complete` says whether anything it needs is missing."""
    return {
        "found": True,
        "domain": company.domain,
        "name": company.name,
        "industry": company.industry,
        "employees": company.employees,
        "country": company.country,
        "competitor": company.competitor,
        "complete": bool(company.industry and company.employees and company.country),
    }


def unknown_company(domain: str) -> dict[str, Any]:
    return {
        "found": False,
        "domain": domain,
        "name": "",
        "industry": "",
        "employees": None,
        "country": "",
        "competitor": False,
        "complete": False,
    }


def crm_record(record: CrmRecord) -> dict[str, Any]:
    return {
        "found": True,
        "email": record.email,
        "lead_id": record.lead_number,
        "name": record.name,
        "company": record.company,
        "domain": record.domain,
        "job_title": record.job_title,
        "employees": record.employees,
        "tier": record.tier,
        "score": record.score,
        "value_minor": record.value_minor,
        "currency": record.currency,
        "summary": record.summary,
        "created_at": moment(record.created_at),
    }
