from integrations.practice.models.desk import Article, ChannelNotice, Mail, Subscription, Ticket, TicketReply
from integrations.practice.models.plumbing import Change, Fault, SentEvent, StoredAnswer
from integrations.practice.models.sales import Company, CrmRecord, FollowUp
from integrations.practice.models.shop import (
    Customer,
    Invoice,
    Order,
    OrderLine,
    PickList,
    Product,
    Refund,
    Shipment,
)

__all__ = [
    "Article",
    "Change",
    "ChannelNotice",
    "Company",
    "CrmRecord",
    "Customer",
    "Fault",
    "FollowUp",
    "Invoice",
    "Mail",
    "Order",
    "OrderLine",
    "PickList",
    "Product",
    "Refund",
    "SentEvent",
    "Shipment",
    "StoredAnswer",
    "Subscription",
    "Ticket",
    "TicketReply",
]
