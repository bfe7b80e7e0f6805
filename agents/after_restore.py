"""After a restore: what was under way may or may not have happened since, so a person says; every run pauses (I24)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from agents.models import Action, Run
from agents.moves import record_action
from agents.settling import ask_what_happened
from agents.states import RUN_WAITING, ActionState, RunState
from approvals.audit import SYSTEM, Actor, record
from approvals.database_clock import database_now
from approvals.models import Request
from approvals.sealing.marker import accept_present
from approvals.states import RequestKind, RequestState
from approvals.withdrawing import withdraw_request
from config.queues import ring_after_commit

RESTORED = "restored"
WHY = "The database was restored from a copy; it is not known what happened since."
_UNDER_WAY = (
    ActionState.PROPOSED,
    ActionState.PENDING,
    ActionState.APPROVED,
    ActionState.ALLOWED,
    ActionState.EXECUTING,
)
_TO_PAUSE = (RunState.QUEUED, RunState.RUNNING, *(RUN_WAITING - {RunState.PAUSED}))


def freeze() -> dict[str, int]:
    """Turn every action under way into an unknown outcome and pause every run, inside the caller's transaction."""
    with _moves_after_restore():
        runs = [_pause(run) for run in _locked_runs()]
        actions = [
            _unknown(action) for action in Action.objects.filter(state__in=_UNDER_WAY).select_related("run__agent")
        ]
    return {"runs": len(runs), "actions": len(actions)}


def unsettled() -> int:
    """Return how many unknown outcomes still wait for a person."""
    return Request.objects.filter(kind=RequestKind.UNKNOWN_OUTCOME, state=RequestState.OPEN).count()


def paused_runs() -> int:
    return Run.objects.filter(state=RunState.PAUSED, reason_code=RESTORED).count()


def resume(*, user: Any) -> int:
    """Put what the restore paused back in the queue and take the database as it is for the truth. Returns how many."""
    actor = Actor.person(user)
    with transaction.atomic():
        rows = Run.objects.select_for_update(of=("self",)).select_related("agent")
        runs = list(rows.filter(state=RunState.PAUSED, reason_code=RESTORED))
        for run in runs:
            _move_run(run, RunState.QUEUED, actor, reason_code="", waiting_for="", due_at=database_now())
        record(
            actor=actor, verb="database.restore_settled", subject_type="database", subject_id="restore", runs=len(runs)
        )
        ring_after_commit()
    accept_present()
    return len(runs)


def _locked_runs() -> list[Run]:
    rows = Run.objects.filter(state__in=_TO_PAUSE).select_related("agent").order_by("pk")
    return list(rows.select_for_update(of=("self",)))


def _pause(run: Run) -> Run:
    # The fence moves on: a worker in the middle of a step finds its lease lost.
    changes = {"reason_code": RESTORED, "waiting_for": WHY, "fence": F("fence") + 1, "lease_owner": ""}
    _move_run(run, RunState.PAUSED, SYSTEM, lease_expires_at=None, **changes)
    return run


def _move_run(run: Run, to: RunState, actor: Actor, **changes: Any) -> None:
    before = run.state
    Run.objects.filter(pk=run.pk, state=before).update(state=to, **changes)
    record(
        actor=actor,
        verb=f"run.{to}",
        subject_type="run",
        subject_id=run.pk,
        subject=run.subject,
        run_id=run.pk,
        agent=run.agent.name,
        from_state=before,
        to_state=to,
        code=RESTORED,
    )


def _unknown(action: Action) -> Action:
    before = action.state
    for request in Request.objects.filter(
        action_id=action.pk, kind=RequestKind.APPROVAL, state__in=(RequestState.OPEN, RequestState.APPROVED)
    ).select_for_update():
        withdraw_request(request, actor=SYSTEM, why=WHY, now=database_now())
    Action.objects.filter(pk=action.pk, state=before).update(state=ActionState.UNKNOWN, error=WHY)
    action.state, action.error = ActionState.UNKNOWN, WHY
    record_action(
        action,
        before,
        ActionState.UNKNOWN,
        actor=SYSTEM,
        verb="action.unknown_after_restore",
        why="restored from a copy",
    )
    ask_what_happened(action, actor=SYSTEM)
    return action


@contextmanager
def _moves_after_restore() -> Iterator[None]:
    """Let the database take the moves that are legal after a restore and at no other time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('countersign.after_restore', 'on', true)")
        yield
        cursor.execute("SELECT set_config('countersign.after_restore', '', true)")
