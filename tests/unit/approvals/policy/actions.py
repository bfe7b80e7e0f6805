"""Short builders for actions and rules."""

from typing import Any

from approvals.policy.action import Effect, Mode, Money, ProposedAction
from approvals.policy.rules import Rule, parse_rules

AUTHORITY = ("order_id", "amount_minor", "currency")
PINS = {"order_id": "event.order_id", "amount_minor": {"max": 5000}, "currency": ["EUR"]}


def action(**changes: Any) -> ProposedAction:
    """Return a refund of 12 EUR that nothing speaks against, with the changes."""
    fields: dict[str, Any] = {
        "tool": "shop.refund_order",
        "effect": Effect.KEYED,
        "arguments": {"order_id": "A-1", "amount_minor": 1200, "currency": "EUR"},
        "authority": AUTHORITY,
        "agent": "refund-clerk",
        "mode": Mode.LIVE,
        "subject": "A-1",
        "tainted": True,
        "confidence": 0.9,
        "confidence_floor": 0.7,
        "event": {"order_id": "A-1", "type": "refund.requested", "lines": [{"sku": "x"}]},
        "target": {"id": "A-1", "total_minor": 1200, "customer": {"email": "kim@example.org"}},
        "totals": {"actions_in_run": 0, "moved_minor_today": 0},
        "money": None,
    }
    return ProposedAction(**{**fields, **changes})


def refund(amount: Any = 1200, currency: Any = "EUR", order_id: Any = "A-1", **changes: Any) -> ProposedAction:
    """Return a refund with its money resolved as the loop resolves it."""
    money = Money(amount, currency) if type(amount) is int and isinstance(currency, str) else None
    arguments = {"order_id": order_id, "amount_minor": amount, "currency": currency}
    return action(**{"arguments": arguments, "money": money, **changes})


def rules(*documents: dict[str, Any]) -> tuple[Rule, ...]:
    return parse_rules([{"tool": "shop.refund_order", **document} for document in documents])


LADDER = rules(
    {"when": 'args.currency == "EUR" && args.amount_minor <= 5000', "level": 1, "constrain": PINS},
    {
        "when": 'args.currency == "EUR" && args.amount_minor > 5000 && args.amount_minor <= 50000',
        "level": 2,
        "constrain": {**PINS, "amount_minor": {"max": 50000}},
    },
    {"when": 'args.currency != "EUR" || args.amount_minor > 50000', "level": 3, "approvers": "finance"},
)
