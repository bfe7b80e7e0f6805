"""All calls of a turn are judged before any runs: looked up outside a transaction, written in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from agents import journal
from agents.answers import answer_call
from agents.envelope import opened
from agents.guards.ensuring import broken_checks
from agents.guards.placeholders import Placeholders
from agents.moves import hold_lease
from agents.next_step import BUILT_IN
from agents.pool import give_back
from agents.proposing import Proposal, money_problems, propose
from agents.providers.base import ToolCall
from agents.states import StepKind
from agents.tools.arguments import problems_of
from agents.tools.base import Tool
from agents.tools.lookups import read_check, resolve_target
from agents.undo.originals import is_taken_back_elsewhere
from agents.work import Work
from approvals.database_clock import database_now
from approvals.policy.action import Effect
from approvals.policy.canonical import NotCanonical, exact

SAME_CALL_LIMIT = 5


@dataclass(frozen=True, slots=True)
class _Refused:
    """A call that never becomes an action: why, for the model."""

    call: ToolCall
    why: str


def judge_calls(work: Work, call_ids: Sequence[str]) -> None:
    """Turn these calls of the last reply into actions with verdicts, or into answers that say what is wrong."""
    calls = work.reply.calls if work.reply else ()
    hidden = work.placeholders()
    prepared = [_prepare(work, call, position, hidden) for position, call in enumerate(calls) if call.id in call_ids]
    with transaction.atomic():
        hold_lease(work.run)
        for item in prepared:
            _write(work, item, hidden)


def _write(work: Work, item: "_Refused | Proposal", hidden: Placeholders) -> None:
    if isinstance(item, _Refused):
        call = item.call
        answer_call(work.run, work.turn, call.id, call.name, hidden.hide_text(item.why), is_error=True)
        return
    if is_taken_back_elsewhere(work.run, item.call_id):
        why = "Nothing ran: another rollback takes this back already."
        answer_call(work.run, work.turn, item.call_id, item.tool.name, why, is_error=True)
        return
    action, flags = propose(work.run, work.spec, item, actor=work.actor, now=database_now())
    data = {
        "turn": work.turn,
        "tool": action.tool,
        "sentence": action.sentence,
        "level": action.level,
        "state": action.state,
        "why": action.verdict["why"],
        "rule": action.verdict["rule"],
        "request": str(action.request_id) if action.request_id else None,
        **({"flags": [flag.shown() for flag in flags]} if flags else {}),
    }
    journal.append(work.run, StepKind.VERDICT, data, action_id=action.pk)


def _prepare(work: Work, call: ToolCall, position: int, hidden: Placeholders) -> "_Refused | Proposal":
    tool = work.tools.get(call.name)
    if call.arguments is None:
        return _Refused(call, f"The arguments cannot be read: {call.problem}. Call again with one JSON object.")
    if tool is None:
        names = ", ".join([*work.tools, *sorted(BUILT_IN)])
        return _Refused(call, f"There is no tool {call.name} for you. You have: {names}.")
    try:
        # What the model wrote as a placeholder becomes the value here: the tool, the policy and the person see that.
        arguments, reason, confidence = _split(tool, exact(hidden.restore(call.arguments)))
    except NotCanonical as problem:
        return _Refused(call, f"The arguments cannot be signed: {problem}")
    problems = problems_of(tool.schema, arguments) or money_problems(tool, arguments)
    if problems:
        return _Refused(call, "Nothing ran. " + " ".join(problems))
    if _times_called(work, tool.name, arguments) >= SAME_CALL_LIMIT:
        return _Refused(call, f"You made this very call {SAME_CALL_LIMIT} times. Do something else, or hand off.")
    return _resolved(work, call, position, tool, arguments, reason, confidence)


def _resolved(
    work: Work,
    call: ToolCall,
    position: int,
    tool: Tool,
    arguments: Mapping[str, Any],
    reason: str,
    confidence: float | None,
) -> "_Refused | Proposal":
    give_back()
    broken = broken_checks(tool, arguments)
    if broken and all(one.to_model for one in broken):
        return _Refused(call, "Nothing ran. " + " ".join(one.say for one in broken))
    return Proposal(
        call_id=call.id,
        turn=work.turn,
        position=position,
        tool=tool,
        arguments=arguments,
        reason=reason,
        confidence=confidence,
        target=resolve_target(tool, arguments),
        checked=read_check(tool, arguments),
        broken=tuple(one.flag for one in broken),
    )


def _split(tool: Tool, arguments: Any) -> tuple[dict[str, Any], str, float | None]:
    """Part the tool's own arguments from our two extra fields (a tool's own field of that name stays its own)."""
    own = dict(arguments)
    if tool.effect is Effect.READ:
        return own, "", None
    taken = set(tool.schema.get("properties", {}))
    reason = "" if "reason" in taken else str(own.pop("reason", "") or "")
    confidence = None if "confidence" in taken else own.pop("confidence", None)
    return own, reason, _between_0_and_1(confidence)


def _between_0_and_1(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 1 else None


def _times_called(work: Work, tool: str, arguments: Mapping[str, Any]) -> int:
    return sum(opened(action.canonical)["arguments"] == arguments for action in work.actions if action.tool == tool)
