"""What a person may halt: the agents they see, and every connection and tool."""

from collections.abc import Sequence
from typing import Any

from agents.selectors import agents_visible_to
from agents.tools.registry import tools_matching

Group = tuple[str, Sequence[tuple[str, str]]]


def scopes_to_halt(user: Any) -> Sequence[Group]:
    """Return (kind in words, (scope, name) pairs) for the choice of what to halt."""
    agents = agents_visible_to(user).filter(disabled=False).order_by("name").values_list("name", flat=True)
    tools = sorted(tools_matching(["*"]).values(), key=lambda tool: tool.name)
    return [
        ("An agent", [(f"agent:{name}", name) for name in agents]),
        ("A connection", [(f"connection:{name}", name) for name in sorted({tool.connection for tool in tools})]),
        ("A tool", [(f"tool:{tool.name}", tool.name) for tool in tools]),
    ]
