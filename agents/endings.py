"""How a run stops working for now or for good. Each verb is one transaction under the fence and returns True."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from agents import journal
from agents.cards import run_card
from agents.moves import hold_lease, move_action, move_run
from agents.next_step import Call, HandOff, WaitForPerson, next_step
from agents.providers.base import OverLimit, ProviderError, Refused, Retryable
from agents.reading import unread
from agents.situation import situation_of
from agents.spending import settle_cost
from agents.states import ActionState, RunState, StepKind
from agents.work import Work, load, progress_of
from approvals.database_clock import database_now
from approvals.desk_terms import Priority, is_reason_code
from approvals.halts import halted_scopes, keep_halts
from approvals.opening import Opening, open_request
from approvals.selectors import request_of_action
from approvals.services import lock_requests_of_run, withdraw_request
from approvals.states import RequestKind, RequestState

_UNLEASED: dict[str, Any] = {"lease_owner": "", "lease_expires_at": None, "suspect": False}
PROVIDER_TRIES = 5
_STOPPABLE = {ActionState.ALLOWED, ActionState.PENDING, ActionState.APPROVED}


def finish(work: Work, outcome: dict[str, Any]) -> bool:
    with transaction.atomic():
        hold_lease(work.run)
        journal.append(work.run, StepKind.END, {"state": RunState.COMPLETED, "outcome": outcome})
        settle_cost(work.run)
        ended: dict[str, Any] = {"outcome": outcome, "ended_at": database_now(), "waiting_for": ""}
        move_run(work.run, RunState.COMPLETED, actor=work.actor, fence=work.run.fence, **ended, **_UNLEASED)
    return True


def wait_for_person(work: Work, why: str) -> bool:
    """Wait, unless somebody decided between our reading and the lock: then there is something to do, and it is False."""
    with transaction.atomic():
        hold_lease(work.run)
        fresh = load(work.run)
        if unread(fresh) or not isinstance(next_step(progress_of(fresh)), WaitForPerson):
            return False
        changes = {"waiting_for": f"Waiting for {why}.", **_UNLEASED}
        move_run(work.run, RunState.WAITING_PERSON, actor=work.actor, fence=work.run.fence, **changes)
    return True


def wait_for_undo_window(work: Work, action_id: UUID) -> bool:
    """Go back to the queue until the approval may be executed; the person may still take it back."""
    request = request_of_action(action_id)
    due = request.execute_after if request and request.execute_after else database_now()
    return back_to_queue(work, due_at=due, why="Approved; it runs when the undo window closes.", urgency=0)


def back_to_queue(work: Work, *, due_at: datetime | None = None, why: str, urgency: int | None = None) -> bool:
    """Give the run to whoever claims it next, now or when it is due."""
    changes: dict[str, Any] = {"waiting_for": why, "due_at": due_at or database_now(), **_UNLEASED}
    if urgency is not None:
        changes["urgency"] = urgency
    with transaction.atomic():
        hold_lease(work.run)
        move_run(work.run, RunState.QUEUED, actor=work.actor, fence=work.run.fence, **changes)
    return True


def pause(work: Work, why: str, scopes: Collection[str]) -> bool:
    """Let the run rest until the halts of these scopes are released. Returns False when by now none stands any more."""
    with transaction.atomic():
        # A release wakes what is paused. One between our look and this write would leave the run asleep for good.
        keep_halts()
        if halted_scopes().isdisjoint(scopes):
            return False
        hold_lease(work.run)
        changes = {"waiting_for": why, "reason_code": "halted", **_UNLEASED}
        move_run(work.run, RunState.PAUSED, actor=work.actor, fence=work.run.fence, **changes)
    return True


def ask_again(work: Work, problems: Sequence[str]) -> None:
    """Tell the model what is wrong with its ending."""
    text = "Your answer cannot be used. " + " ".join(problems) + "\nAnswer again with one JSON object that fits."
    with transaction.atomic():
        journal.append(work.run, StepKind.REPAIR, {"text": text, "problems": list(problems)})


def ask_person(work: Work, call: Call) -> None:
    """Open the agent's question in the inbox; the answer becomes the call's result."""
    run, question = work.run, str(call.arguments.get("question") or "The agent asks for help.")
    with transaction.atomic():
        hold_lease(run)
        request = open_request(
            Opening(
                kind=RequestKind.QUESTION,
                title=question,
                card=run_card(run, question=question, claim={"text": _why_asked(call)}, **situation_of(work)),
                **_about(work),
            ),
            actor=work.actor,
            now=database_now(),
        )
        data = {"turn": work.turn, "call_id": call.id, "request": str(request.pk), "text": question}
        journal.append(run, StepKind.WAIT, data)


def hand_off(work: Work, step: HandOff) -> bool:
    """Give the task to people with everything they need; what was still open is cancelled."""
    run, now, why = work.run, database_now(), _why(work, step)
    arguments = step.call.arguments if step.call else {}
    code = _code(step, arguments.get("reason_code"))
    priority = str(arguments.get("priority") or "normal")
    with transaction.atomic():
        lock_requests_of_run(run.pk)
        hold_lease(run)
        _cancel_open_actions(work, now)
        request = open_request(
            Opening(
                kind=RequestKind.HAND_OFF,
                title=why,
                card=run_card(run, question=why, code=code, **situation_of(work)),
                reason_code=code[:40],
                priority=priority if priority in set(Priority) else Priority.NORMAL,
                **_about(work),
            ),
            actor=work.actor,
            now=now,
        )
        data = {
            "turn": work.turn,
            "request": str(request.pk),
            "text": why,
            "code": code,
            "hand_off_call": step.call.id if step.call else None,
        }
        journal.append(run, StepKind.WAIT, data)
        settle_cost(run)
        changes = {"waiting_for": why, "reason_code": code[:40], "ended_at": now, **_UNLEASED}
        move_run(run, RunState.ESCALATED, actor=work.actor, fence=run.fence, **changes)
    return True


def _why(work: Work, step: HandOff) -> str:
    """Return the hand-off's reason in words; where the policy keeps an action for people, which one and why."""
    kept = [action for action in work.turn_actions if action.state == ActionState.ESCALATED]
    if step.code != "policy" or not kept:
        return step.why
    return f"{kept[0].sentence}: {kept[0].verdict.get('reason') or kept[0].verdict['why']}"


def provider_failed(work: Work, error: ProviderError) -> bool:
    """Try again later while that may help; then a person gets the task. It is never lost."""
    if isinstance(error, OverLimit):
        return hand_off(work, HandOff("context", "The conversation has grown longer than the model can read."))
    if isinstance(error, Refused):
        return hand_off(work, HandOff("refused", "The model declined to go on."))
    failures = _failures_in_a_row(work) + 1
    if isinstance(error, Retryable) and failures < PROVIDER_TRIES:
        pause_s = min(max(error.retry_after_s or 0, 2.0**failures), 60)
        due = database_now() + timedelta(seconds=pause_s)
        return back_to_queue(work, due_at=due, why=f"The model is not reachable; tried {failures} times.")
    return hand_off(work, HandOff("provider", f"No model could be reached: {error.message}"))


def _failures_in_a_row(work: Work) -> int:
    count = 0
    for step in reversed(work.steps):
        if step.kind != StepKind.MODEL_FAILED:
            break
        count += 1
    return count


def _cancel_open_actions(work: Work, now: datetime) -> None:
    for action in work.turn_actions:
        if action.state not in _STOPPABLE:
            continue
        request = request_of_action(action.pk)
        move_action(action, ActionState.CANCELLED, actor=work.actor, why="handed off", ended_at=now)
        if request is not None and request.state in (RequestState.OPEN, RequestState.APPROVED):
            withdraw_request(request, actor=work.actor, why="The run was handed to a person.", now=now)


def _why_asked(call: Call) -> str:
    return str(call.arguments.get("why") or "")


def _code(step: HandOff, given: object) -> str:
    """Return the agent's own reason code when it is one of ours: what else a model writes there is no code."""
    return given if isinstance(given, str) and is_reason_code(given) else step.code


def _about(work: Work) -> dict[str, Any]:
    run = work.run
    return {
        "team_id": run.agent.team_id,
        "agent": run.agent.name,
        "subject": run.subject,
        "run_id": run.pk,
    }
