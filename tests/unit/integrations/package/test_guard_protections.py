"""A connection that drops what its tools must fulfil gives its agents more room: a second person signs that."""

from dataclasses import replace

import pytest

from agents.tools.base import EnsureSpec, RequireSpec, Tool, ToolResult
from approvals.policy.action import Effect
from integrations.package.autonomy import wider_by_tools

TOOL = Tool(
    name="shop.refund", description="", schema={}, effect=Effect.KEYED, version="1", connection="shop", account="",
    call=lambda _arguments, _context: ToolResult({}, 200), require=(RequireSpec("args.a < 5", "Too much."),),
    ensure=(EnsureSpec("get_order", "order_id", "record.open"),), redact=("email",),
)  # fmt: skip


@pytest.mark.parametrize("field", ["require", "ensure", "redact"])
def test_losing_or_changing_one_is_wider_and_gaining_one_is_not(field: str) -> None:
    without = replace(TOOL, **{field: ()})  # type: ignore[arg-type]
    assert wider_by_tools({"t": TOOL}, {"t": without}) == [f"t would lose its {field}."]
    assert wider_by_tools({"t": without}, {"t": TOOL}) == []
    assert wider_by_tools({"t": TOOL}, {"t": TOOL}) == []
