"""The words that the practice company uses for its states. Its own alphabet: outside systems write lower case."""

from enum import StrEnum


class Word(StrEnum):
    """A state with itself as its label."""

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(word.value, word.value.replace("_", " ")) for word in cls]


class OrderStatus(Word):
    NEW = "new"
    PICKING = "picking"
    READY = "ready"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    BACKORDERED = "backordered"
    DROPSHIPPED = "dropshipped"
    CANCELLED = "cancelled"


class PaymentStatus(Word):
    PAID = "paid"
    PENDING = "pending"
    DECLINED = "declined"


class ServiceLevel(Word):
    STANDARD = "standard"
    EXPRESS = "express"


class RefundStatus(Word):
    PAID = "paid"
    CANCELLED = "cancelled"


class TicketStatus(Word):
    OPEN = "open"
    ANSWERED = "answered"
    ASSIGNED = "assigned"
    CLOSED = "closed"


class Priority(Word):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Tier(Word):
    HOT = "hot"
    WARM = "warm"
    COLD = "cold"


class FaultKind(Word):
    SLOW = "slow"
    ERROR_500 = "error_500"
    ACTS_THEN_TIMES_OUT = "acts_then_times_out"
    RESET = "reset"


FIRST_ANSWER_HOURS = {Priority.URGENT: 1, Priority.HIGH: 4, Priority.NORMAL: 24, Priority.LOW: 72}
SHIP_WITHIN_HOURS = {ServiceLevel.EXPRESS: 24, ServiceLevel.STANDARD: 72}
