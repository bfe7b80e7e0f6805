"""What an undoing run says in the place of a model: one compensation after the other, the newest deed first.

Everything behind it is the loop that every run goes through: schema, policy, approvals, one effect, audit.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from agents import journal
from agents.models import Action, Run
from agents.moves import hold_lease
from agents.providers.base import ModelReply, Stop, ToolCall, Usage
from agents.providers.wire import reply_to_json
from agents.states import ActionState, StepKind
from agents.undo.originals import CALL
from agents.undo.plan import Fate, Planned, actions_to_undo, plan_of
from agents.work import Work
from approvals.policy.canonical import canonical_bytes, exact

PROVIDER = "rollback"
# After one of these the rest is left to people: what came before it may rest on it.
_STOPS = (ActionState.FAILED, ActionState.DENIED, ActionState.ESCALATED)


def take_undo_turn(work: Work) -> None:
    """Journal the next compensation, or the end when nothing is left that can be taken back."""
    with transaction.atomic():
        hold_lease(work.run)
        turn = work.turn + 1
        plan = _plan(work.run)
        tried = _tried(work)
        left = [one for one in plan if one.fate is Fate.REVERSIBLE and _call_id(one) not in tried]
        stopped = any(action.state in _STOPS for action in work.turn_actions)
        data: dict[str, Any] = {"turn": turn}
        if left and not stopped:
            data["reply"] = reply_to_json(_reply("", _call(left[0])))
        else:
            outcome = _outcome(work.actions, plan)
            data |= {"reply": reply_to_json(_reply(json.dumps(outcome))), "outcome": outcome, "problems": []}
        journal.append(work.run, StepKind.MODEL, data)
        Run.objects.filter(pk=work.run.pk).update(turns=turn)


def _plan(run: Run) -> list[Planned]:
    if run.rollback is None or run.undoes_id is None:
        return []
    return plan_of(actions_to_undo(run.rollback.since, run.rollback.until, [run.undoes_id]))


def _tried(work: Work) -> set[str]:
    """Return the calls made so far; each deed is tried once, whatever became of it."""
    replies = [step.data["reply"] for step in work.steps if step.kind == StepKind.MODEL]
    return {call["id"] for reply in replies for call in reply["calls"]}


def _call_id(one: Planned) -> str:
    return f"{CALL}{one.action.pk}"


def _call(one: Planned) -> ToolCall:
    said = {**(one.arguments or {}), "reason": f"Takes back: {one.action.sentence}"}
    return ToolCall(id=_call_id(one), name=one.tool, arguments=said, raw=canonical_bytes(exact(said)).decode())


def _outcome(actions: Sequence[Action], plan: Sequence[Planned]) -> dict[str, Any]:
    undone = sum(action.state == ActionState.SUCCEEDED for action in actions)
    left = sum(one.fate in (Fate.REVERSIBLE, Fate.IRREVERSIBLE) for one in plan)
    return {"decision": "partly undone" if left else "undone", "undone": undone, "left": left}


def _reply(text: str, *calls: ToolCall) -> ModelReply:
    return ModelReply(
        text=text,
        calls=calls,
        stop=Stop.TOOL_CALLS if calls else Stop.END,
        usage=Usage(0, 0, 0, 0, 0),
        cost_usd=Decimal(0),
        price_source="no model was asked",
        model=f"{PROVIDER}/plan",
        provider=PROVIDER,
        latency_ms=0,
    )
