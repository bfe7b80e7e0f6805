"""A person reads the world again from a card: the same reads that an execution makes, never a write."""

from typing import Any

from agents.envelope import opened
from agents.models import Action
from agents.overtaken import WORLD, is_halted_to_look, supersede_waiting
from agents.states import ActionState
from agents.tools.base import Tool
from agents.tools.lookups import look_up as ask_other_side
from agents.tools.lookups import read_check
from agents.tools.registry import get_tool
from approvals.audit import Actor, record
from approvals.errors import NotAllowed, RequestChanged
from approvals.models import Request
from approvals.ports import Looked


def look_again(*, request: Request, user: Any) -> Looked:
    """Read the world check once more; a successor shows the difference when the answer is another one.

    Raises NotAllowed where nothing can be read, RequestChanged when the action does not wait any more.
    """
    action, tool = _readable(request)
    if tool.check is None:
        raise NotAllowed("This tool names nothing that could be read again.")
    if action.state != ActionState.PENDING:
        raise RequestChanged(f"The action is {action.state}; there is nothing left to look at.")
    envelope = opened(action.canonical)
    found = read_check(tool, envelope["arguments"])
    _written(request, action, user, verb="request.looked_again", by=tool.check.by, found=found is not None)
    if found is None:
        return Looked(f"{tool.check.by} brought nothing. What you see is as it was read before.")
    if found == envelope.get("checked"):
        return Looked("Read again just now: nothing has changed.")
    following = supersede_waiting(action, tool, why=WORLD, actor=Actor.person(user))
    return Looked(f"{WORLD} A new request shows the difference.", following)


def look_up(*, request: Request, user: Any) -> str:
    """Return in words what the other system knows of a call whose answer was lost. Raises NotAllowed."""
    action, tool = _readable(request)
    if tool.lookup is None:
        raise NotAllowed("This tool names no way to look up whether it happened.")
    found = ask_other_side(tool, opened(action.canonical)["arguments"], action.key) is not None
    _written(request, action, user, verb="request.looked_up", by=tool.lookup.by, found=found)
    if found:
        return f"{tool.lookup.by} knows this call: it happened. Settle it."
    return f"{tool.lookup.by} does not know this call. That proves nothing: it may still be on its way."


def _readable(request: Request) -> tuple[Action, Tool]:
    action = Action.objects.select_related("run__agent", "run__version").get(pk=str(request.action_id))
    tool = get_tool(action.tool)
    if tool is None:
        raise NotAllowed(f"{action.tool} no longer exists.")
    if is_halted_to_look(action.run.agent.name, tool):
        raise NotAllowed("This is halted, so nothing can be read now. Look again once the halt is released.")
    return action, tool


def _written(request: Request, action: Action, user: Any, *, verb: str, by: str, found: bool) -> None:
    record(
        actor=Actor.person(user),
        verb=verb,
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        digest=action.digest,
        by=by,
        found=found,
    )
