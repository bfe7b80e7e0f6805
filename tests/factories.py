"""People, an agent and its shop, made through the real verbs."""

import json
from typing import Any

from django.contrib.auth.models import Group, User

from agents.models import Agent, Run
from agents.providers.base import ModelReply, Stop, ToolCall, Usage
from agents.services import publish_agent_version, start_run
from approvals.audit import COMMAND_LINE
from approvals.models import ApproverGroup, GroupMember, Team
from approvals.policy_versions import activate_policy
from integrations.models import Connection
from tests.shop import DOCUMENT, OVERRIDES, Shop

RULES: list[dict[str, Any]] = [
    {
        "tool": "shop.refund_order",
        "when": 'args.currency == "EUR" && args.amount_minor <= 5000',
        "level": 1,
        "constrain": {"order_id": "event.order_id", "amount_minor": {"max": 5000}, "currency": ["EUR"]},
    },
    {
        "tool": "shop.refund_order",
        "when": 'args.currency == "EUR" && args.amount_minor > 5000 && args.amount_minor <= 50000',
        "level": 2,
        "constrain": {"order_id": "event.order_id", "amount_minor": {"max": 50000}, "currency": ["EUR"]},
    },
    {
        "tool": "shop.refund_order",
        "when": 'args.currency != "EUR" || args.amount_minor > 50000',
        "level": 3,
        "approvers": "finance",
        "votes": 1,
        "deadline_h": 24,
    },
]
OUTCOME = {
    "type": "object",
    "properties": {"decision": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["decision"],
}


def person(name: str, role: str, *, team: str = "support", limits: dict[str, int] | None = None) -> User:
    """Return a person with this role, in the team and, with limits, in the group finance."""
    user = User.objects.create_user(name, password="a-long-password")
    user.groups.add(Group.objects.get(name=role))
    Team.objects.get_or_create(name=team)[0].members.add(user)
    if limits is not None:
        group, _ = ApproverGroup.objects.get_or_create(name="finance")
        GroupMember.objects.create(group=group, user=user, limits=limits)
    return user


def shop_connection(shop: Shop, **overrides: Any) -> Connection:
    return Connection.objects.create(
        name="shop",
        kind="openapi",
        base_url=shop.url,
        document=json.dumps(DOCUMENT),
        tools={**OVERRIDES, **overrides},
        timeout_s=1,
    )


def refund_agent(*, model: str = "scripted/one", mode: str = "live", **changes: Any) -> Agent:
    """Return an agent that may refund and mail, with the rules of RULES in force."""
    team, _ = Team.objects.get_or_create(name="support")
    agent = Agent.objects.create(name="refund-clerk", team=team, category="refunds")
    document = {
        "instructions": "Settle refund requests.",
        "model": model,
        "tools": ["shop.*"],
        "outcome": OUTCOME,
        "confidence_floor": 0.5,
        "limits": {"turns": 12, "actions": 12, "seconds": 300},
        "mode": mode,
        **changes,
    }
    publish_agent_version(agent=agent, document=document, actor=COMMAND_LINE)
    activate_policy(rules=RULES, actor=COMMAND_LINE)
    return agent


def refund_run(order_id: str = "20871", **facts: Any) -> Run:
    event = {"type": "refund.requested", "order_id": order_id, **facts.pop("event", {})}
    return start_run(agent="refund-clerk", goal="Settle this.", input=event, subject=order_id, **facts)


def says(text: str = "", *calls: ToolCall, stop: Stop | None = None) -> ModelReply:
    """Return a reply of the model for the scripted provider."""
    return ModelReply(
        text=text,
        calls=calls,
        stop=stop or (Stop.TOOL_CALLS if calls else Stop.END),
        usage=Usage(input_tokens=100, output_tokens=20),
        cost_usd=None,
        price_source="",
        model="one",
        provider="scripted",
        latency_ms=3,
    )


def wants(tool: str, *, id: str = "c1", **arguments: Any) -> ToolCall:
    return ToolCall(id=id, name=tool, arguments=arguments, raw=json.dumps(arguments))


def wants_refund(amount_minor: int, *, order_id: str = "20871", currency: str = "EUR", id: str = "c1") -> ToolCall:
    return wants(
        "shop.refund_order",
        id=id,
        order_id=order_id,
        amount_minor=amount_minor,
        currency=currency,
        reason="Two of four lamps arrived broken.",
        confidence=0.9,
    )


DONE = says('{"decision": "refunded", "confidence": 0.9}')
