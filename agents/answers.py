"""What the model is told about its calls, one journal row per call."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from agents import journal
from agents.context import fence
from agents.envelope import opened
from agents.guards.placeholders import NOTHING_HIDDEN, Placeholders
from agents.guards.screening import Finding, screen
from agents.models import Action, Run
from agents.moves import hold_lease
from agents.states import ActionState, StepKind
from agents.work import Work
from approvals.selectors import settlements_of


def answer_call(
    run: Run,
    turn: int,
    call_id: str,
    tool: str,
    content: str,
    *,
    is_error: bool = False,
    action: Action | None = None,
    latency_ms: int = 0,
    findings: Sequence[Finding] = (),
) -> None:
    """Journal the answer to one call, as the model may read it; all answers of a turn go back together."""
    data: dict[str, Any] = {"turn": turn, "call_id": call_id, "tool": tool, "content": content, "is_error": is_error}
    if action is not None:
        data["state"] = action.state
    if findings:
        data["findings"] = [finding.as_json() for finding in findings]
    journal.append(run, StepKind.TOOL_RESULT, data, action_id=action.pk if action else None, latency_ms=latency_ms)


def answer_action(
    action: Action, *, reason: str = "", latency_ms: int = 0, hidden: Placeholders = NOTHING_HIDDEN
) -> None:
    """Journal what became of an action, in words the model can act on, and what looks manipulated in its result."""
    content, is_error = _words(action, reason, hidden)
    answer_call(
        action.run,
        action.turn,
        action.call_id,
        action.tool,
        content,
        is_error=is_error,
        action=action,
        latency_ms=latency_ms,
        findings=screen(action.result if action.result is not None else action.error, action.tool),
    )


def tell_model(work: Work, action_ids: Sequence[UUID]) -> None:
    """Journal the answers of actions that were settled while nobody worked on the run."""
    actions = [action for action in work.turn_actions if action.pk in action_ids]
    requests = settlements_of([action.pk for action in actions])
    with transaction.atomic():
        hold_lease(work.run)
        for action in actions:
            request = requests.get(action.pk)
            answer_action(action, reason=request.answer if request else "", hidden=work.placeholders())


def _words(action: Action, reason: str, hidden: Placeholders) -> tuple[str, bool]:
    if action.state == ActionState.SUCCEEDED:
        return _edited(action, hidden) + fence(action.tool, hidden.hide(action.result)), False
    words, is_error = _without_result(action, reason)
    return hidden.hide_text(words), is_error


def _without_result(action: Action, reason: str) -> tuple[str, bool]:
    match action.state:
        case ActionState.FAILED:
            return f"It failed, and nothing happened: {action.error or 'no reason given'}", True
        case ActionState.DENIED:
            return f"Denied by policy: {action.verdict.get('reason') or action.verdict.get('why', '')}", True
        case ActionState.SHADOWED:
            return "Recorded, not executed: this agent runs in shadow mode. Go on as if it had been done.", False
        case ActionState.REJECTED:
            return f"A person rejected this action. Their reason: {reason or 'none given'}. Nothing ran.", True
        case ActionState.EXPIRED:
            return "Nobody decided in time, which counts as no. Nothing ran.", True
        case ActionState.ESCALATED:
            return "This is left to people. Nothing ran.", True
        case _:
            return f"This was {action.state}. Nothing ran.", True


def _edited(action: Action, hidden: Placeholders) -> str:
    if action.edited_by_id is None:
        return ""
    arguments = fence("arguments", hidden.hide(opened(action.canonical)["arguments"]))
    return f"A person changed your arguments before signing; this ran:\n{arguments}\nThe result:\n"
