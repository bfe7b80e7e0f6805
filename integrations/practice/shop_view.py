"""What the practice page shows: questions to the company's tables, newest first. Reads only."""

from typing import Any

from django.db.models import Sum

from integrations.practice import models
from integrations.practice.states import RefundStatus

SHOWN = 25
TABS = ("changes", "orders", "refunds", "tickets", "leads", "outbox", "stock")


def rows_of(tab: str) -> dict[str, Any]:
    """Return what one tab shows."""
    return _TABS[tab]()


def counts() -> dict[str, int]:
    """Return how many rows stand behind each tab."""
    return {
        "changes": models.Change.objects.count(),
        "orders": models.Order.objects.count(),
        "refunds": models.Refund.objects.count(),
        "tickets": models.Ticket.objects.count(),
        "leads": models.CrmRecord.objects.count(),
        "outbox": models.Mail.objects.count() + models.ChannelNotice.objects.count(),
        "stock": models.Product.objects.count(),
    }


def sent_lately() -> list[models.SentEvent]:
    return list(models.SentEvent.objects.order_by("-pk")[:8])


def faults_now() -> list[models.Fault]:
    return list(models.Fault.objects.order_by("pk"))


def _changes() -> dict[str, Any]:
    return {"changes": models.Change.objects.order_by("-pk")[:SHOWN]}


def _orders() -> dict[str, Any]:
    rows = models.Order.objects.select_related("customer", "shipment").order_by("-updated_at", "-pk")[:SHOWN]
    return {"orders": rows}


def _refunds() -> dict[str, Any]:
    paid = models.Refund.objects.filter(status=RefundStatus.PAID).values_list("currency").order_by("currency")
    return {
        "refunds": models.Refund.objects.select_related("order__customer").order_by("-pk")[:SHOWN],
        "paid": list(paid.annotate(Sum("amount_minor"))),
    }


def _tickets() -> dict[str, Any]:
    return {"tickets": models.Ticket.objects.order_by("-updated_at", "-pk")[:SHOWN]}


def _leads() -> dict[str, Any]:
    return {
        "records": models.CrmRecord.objects.order_by("-updated_at")[:SHOWN],
        "tasks": models.FollowUp.objects.order_by("-pk")[:SHOWN],
        "subscriptions": models.Subscription.objects.order_by("-pk")[:SHOWN],
    }


def _outbox() -> dict[str, Any]:
    return {
        "mails": models.Mail.objects.order_by("-pk")[:SHOWN],
        "notices": models.ChannelNotice.objects.order_by("-pk")[:SHOWN],
    }


def _stock() -> dict[str, Any]:
    return {"products": models.Product.objects.order_by("sku")}


_TABS = {
    "changes": _changes,
    "orders": _orders,
    "refunds": _refunds,
    "tickets": _tickets,
    "leads": _leads,
    "outbox": _outbox,
    "stock": _stock,
}
