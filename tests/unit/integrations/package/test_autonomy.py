"""What counts as giving agents more room."""

from typing import Any

import pytest

from integrations.package.autonomy import concerns_new_tools_only, wider_by_objects
from integrations.package.diffing import Change

CLERK: dict[str, Any] = {
    "mode": "suggest",
    "tools": ["shop.*", "crm.get_lead"],
    "confidence_floor": 0.7,
    "limits": {"turns": 12, "cost_usd": 0.5, "moved_minor_per_day": {"EUR": 500}},
}


def widened(**fields: Any) -> list[str]:
    return wider_by_objects([Change("agents", "clerk", CLERK, {**CLERK, **fields})])


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "live"},
        {"tools": ["shop.*", "crm.*"]},
        {"tools": ["*"]},
        {"confidence_floor": 0.6},
        {"limits": {"turns": 13, "cost_usd": 0.5, "moved_minor_per_day": {"EUR": 500}}},
        {"limits": {"turns": 12, "cost_usd": 0.5, "moved_minor_per_day": {"EUR": 501}}},
        {"limits": {"turns": 12, "moved_minor_per_day": {"EUR": 500}}},
        {"limits": {}},
    ],
)
def test_more_room_is_told(fields: dict[str, Any]) -> None:
    assert widened(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"mode": "shadow"},
        {"tools": ["shop.get_order"]},
        {"tools": ["shop.get_*", "crm.get_lead"]},
        {"tools": []},
        {"confidence_floor": 0.9},
        {"limits": {"turns": 3, "cost_usd": 0.1, "actions": 2, "moved_minor_per_day": {"EUR": 500}}},
        {"instructions": "Be kind."},
    ],
)
def test_less_or_equal_room_is_not(fields: dict[str, Any]) -> None:
    assert widened(**fields) == []


def test_a_new_agent_and_one_that_goes_are_no_widening() -> None:
    assert wider_by_objects([Change("agents", "new", None, {**CLERK, "mode": "live"})]) == []
    assert wider_by_objects([Change("agents", "old", CLERK, None)]) == []


REFUND = {"effect": "keyed", "authority": ["order_id", "amount"], "check": {"by": "get_order", "compare": ["status"]}}


@pytest.mark.parametrize(
    ("after", "wider"),
    [
        (REFUND, False),
        ({**REFUND, "authority": ["order_id", "amount", "currency"]}, False),
        ({**REFUND, "effect": "read"}, True),
        ({**REFUND, "authority": ["order_id"]}, True),
        ({"effect": "keyed", "authority": ["order_id", "amount"]}, True),
        ({**REFUND, "check": {"by": "get_order", "compare": []}}, True),
        ({**REFUND, "sentence": "Refund it"}, False),
    ],
)
def test_a_tool_that_loses_a_protection_is_wider(after: dict[str, Any], wider: bool) -> None:
    change = Change("connections", "shop", {"tools": {"refund": REFUND}}, {"tools": {"refund": after}})
    assert bool(wider_by_objects([change])) is wider


@pytest.mark.parametrize(
    ("tool", "only_new"),
    [
        ("wms.pick", True),
        ("wms.*", True),
        ("shop.refund_order", False),
        ("shop.new_tool", False),  # agents with shop.* get it
        ("crm.*", False),
        ("*", False),
        ("*.refund_order", False),
        ("crm.set_lead", True),  # the one agent that touches crm has crm.get_lead only
    ],
)
def test_rules_for_new_tools_are_told_from_rules_for_known_ones(tool: str, only_new: bool) -> None:
    known = {"tools": ["shop.refund_order", "crm.get_lead"], "patterns": ["shop.*", "crm.get_lead"]}
    assert concerns_new_tools_only({"tool": tool}, **known) is only_new
