"""What counts as giving agents more room."""

from dataclasses import replace
from typing import Any

import pytest

from agents.tools.base import CheckSpec, MoneySpec, Tool, ToolResult
from approvals.policy.action import Effect
from integrations.package.autonomy import reaches_no_agent, wider_by_tools

REFUND = Tool(
    name="shop.refund",
    description="",
    schema={},
    effect=Effect.KEYED,
    version="1",
    connection="shop",
    account="shop#1",
    call=lambda _arguments, _context: ToolResult(data=None, status=200),
    authority=("order_id", "amount"),
    check=CheckSpec(by="get_order", compare=("status",)),
)


@pytest.mark.parametrize(
    ("change", "wider"),
    [
        ({}, False),
        ({"authority": ("order_id", "amount", "currency")}, False),
        ({"sentence": "Refund it"}, False),
        ({"effect": Effect.CONVERGENT}, False),
        ({"effect": Effect.READ}, True),
        ({"authority": ("order_id",)}, True),
        ({"check": None}, True),
        ({"check": CheckSpec(by="get_order", compare=())}, True),
        ({"money": MoneySpec("amount", "currency")}, False),
    ],
)
def test_a_tool_that_loses_a_protection_is_wider(change: dict[str, Any], wider: bool) -> None:
    after = {"shop.refund": replace(REFUND, **change), "shop.new": REFUND}
    assert bool(wider_by_tools({"shop.refund": REFUND}, after)) is wider


@pytest.mark.parametrize(
    ("tool", "free"),
    [
        ("wms.pick", True),
        ("wms.*", True),
        ("shop.refund_order", False),
        ("shop.*", False),
        ("crm.*", False),
        ("*", False),
        ("*.refund_order", False),
        ("s?op.x", False),
        ("crm.set_lead", True),  # the one agent that touches crm has crm.get_lead only
    ],
)
def test_rules_that_no_agent_meets_are_told_from_those_that_one_does(tool: str, free: bool) -> None:
    assert reaches_no_agent({"tool": tool}, ["shop.*", "crm.get_lead"]) is free
