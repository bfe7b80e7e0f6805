"""What people decided, applied to actions and runs in the deciding transaction; workers are rung after commit."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from agents.models import Action, Run
from agents.moves import move_action, move_run
from agents.spending import release_money
from agents.states import ActionState, RunState
from approvals.audit import Actor
from approvals.models import Halt, Request
from approvals.signals import halt_released, request_settled
from approvals.states import RequestKind, RequestState, Vote
from config.queues import ring_after_commit

_ACTION_BECOMES = {
    RequestState.APPROVED: ActionState.APPROVED,
    RequestState.REJECTED: ActionState.REJECTED,
    RequestState.EXPIRED: ActionState.EXPIRED,
    RequestState.OPEN: ActionState.PENDING,
}


@receiver(request_settled, sender=Request)
def on_request_settled(request: Request, actor: Actor, now: datetime, **_kwargs: Any) -> None:
    """Move the action and wake the run. The request's row is locked by the caller; the run's is locked here."""
    # A control only looks like an action of its run: there is none.
    if request.run_id is None or request.control:
        return
    run = Run.objects.select_for_update(of=("self",)).select_related("agent").get(pk=request.run_id)
    match request.kind:
        case RequestKind.APPROVAL:
            _settle_action(request, run, actor, now)
        case RequestKind.UNKNOWN_OUTCOME:
            _settle_unknown(request, run, actor, now)
        case RequestKind.HAND_OFF:
            _settle_hand_off(request, run, actor, now)
            return
    wake(run, actor=actor, due_at=request.execute_after or now)


def wake(run: Run, *, actor: Actor, due_at: datetime) -> None:
    """Put a run that waits for a person back in the queue, ahead of new events. A running one reads by itself."""
    if run.state == RunState.WAITING_PERSON:
        changes: dict[str, Any] = {"due_at": due_at, "urgency": 0, "waiting_for": ""}
        move_run(run, RunState.QUEUED, actor=actor, **changes)
    ring_after_commit()


@receiver(halt_released, sender=Halt)
def on_halt_released(halt: Halt, actor: Actor, now: datetime, **_kwargs: Any) -> None:
    """Let what was paused go on; whatever another halt still covers pauses again by itself."""
    rows = Run.objects.select_for_update(of=("self",)).select_related("agent")
    for run in rows.filter(state=RunState.PAUSED, reason_code="halted"):
        move_run(run, RunState.QUEUED, actor=actor, waiting_for="", reason_code="", due_at=now)
    ring_after_commit()


def _settle_action(request: Request, run: Run, actor: Actor, now: datetime) -> None:
    action = _locked_action(request, run)
    becomes = _ACTION_BECOMES[RequestState(request.state)]
    ended = now if becomes in (ActionState.REJECTED, ActionState.EXPIRED) else None
    move_action(action, becomes, actor=actor, ended_at=ended)


def _settle_unknown(request: Request, run: Run, actor: Actor, now: datetime) -> None:
    action = _locked_action(request, run)
    if request.answer == Vote.HAPPENED:
        result = {"settled_by": actor.label, "note": "A person confirmed that this happened."}
        move_action(action, ActionState.SUCCEEDED, actor=actor, why="settled by a person", result=result, ended_at=now)
        return
    error = f"{actor.label} settled that it did not happen."
    move_action(action, ActionState.FAILED, actor=actor, why="settled by a person", error=error, ended_at=now)
    # After a restore an action may be unknown that was never sent: nothing was reserved for it.
    if action.money_minor and action.first_sent_at:
        release_money(run, action.money_minor, action.currency, action.first_sent_at)


def _settle_hand_off(request: Request, run: Run, actor: Actor, now: datetime) -> None:
    if run.state != RunState.ESCALATED:
        return
    if request.state == RequestState.ANSWERED:
        changes: dict[str, Any] = {"due_at": now, "urgency": 0, "ended_at": None, "waiting_for": "", "reason_code": ""}
        move_run(run, RunState.QUEUED, actor=actor, **changes)
        ring_after_commit()
        return
    outcome = {
        "decision": "settled_by_person",
        "result": request.result_code,
        "reasoning": request.answer,
        "by": actor.label,
    }
    move_run(run, RunState.COMPLETED, actor=actor, outcome=outcome, ended_at=now, waiting_for="")


def _locked_action(request: Request, run: Run) -> Action:
    action = Action.objects.select_for_update().get(pk=str(request.action_id))
    action.run = run
    return action
