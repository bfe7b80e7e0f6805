"""The one door for the states of runs and actions: a conditional UPDATE whose row count is believed."""

from typing import Any

from django.db import connection

from agents.errors import LeaseLost, MoveRefused
from agents.models import Action, Run
from agents.states import ACTION_MOVES, ORIGINAL_BECOMES, RUN_MOVES, ActionState, RunState
from approvals.audit import Actor, record

# PostgreSQL ends a transaction of ours that stands still for so long: a frozen worker must not keep the locks that the
# kill switch and the run's next worker wait for. Shorter than a lease.
STANDSTILL_MS = 10_000
STANDSTILL = "idle_in_transaction_session_timeout"


def move_run(run: Run, to: RunState, *, actor: Actor, fence: int | None = None, verb: str = "", **changes: Any) -> None:
    """Move the run with its audit row. With a fence, only while that lease is still ours (else LeaseLost).

    Raises MoveRefused when the run is no longer in the state that `run` shows.
    """
    before = run.state
    if to not in RUN_MOVES[before]:
        raise MoveRefused(f"A run that is {_words(before)} cannot become {_words(to)}.")
    rows = Run.objects.filter(pk=run.pk, state=before)
    if fence is not None:
        rows = rows.filter(fence=fence)
    if not rows.update(state=to, **changes):
        raise (
            LeaseLost("Another worker owns this run.")
            if fence is not None
            else MoveRefused(f"The run is no longer {_words(before)}.")
        )
    run.state = to
    for name, value in changes.items():
        setattr(run, name, value)
    record(
        actor=actor,
        verb=verb or f"run.{to}",
        subject_type="run",
        subject_id=run.pk,
        subject=run.subject,
        run_id=run.pk,
        agent=run.agent.name,
        from_state=before,
        to_state=to,
        why=changes.get("waiting_for") or None,
        code=changes.get("reason_code") or None,
    )


def move_action(
    action: Action, to: ActionState, *, actor: Actor, verb: str = "", why: str = "", **changes: Any
) -> None:
    """Move the action with its audit row. Raises MoveRefused when it is no longer in the state that `action` shows."""
    before = action.state
    if to not in ACTION_MOVES[before]:
        raise MoveRefused(f"An action that is {before} cannot become {to}.")
    if not Action.objects.filter(pk=action.pk, state=before).update(state=to, **changes):
        raise MoveRefused(f"The action is no longer {before}.")
    action.state = to
    for name, value in changes.items():
        setattr(action, name, value)
    record_action(action, before, to, actor=actor, verb=verb or f"action.{to}", why=why)
    if action.compensates_id is not None:
        _follow(action, actor=actor)


def begin_compensation(original: Action, *, actor: Actor) -> None:
    """Mark an action as being taken back. Raises MoveRefused when something else takes it back already."""
    move_action(original, ActionState.COMPENSATING, actor=actor)


def _follow(compensation: Action, *, actor: Actor) -> None:
    """Move the action that this one takes back, in the same transaction; one that waits or is unknown moves nothing."""
    becomes = ORIGINAL_BECOMES.get(ActionState(compensation.state))
    if becomes is None:
        return
    rows = Action.objects.select_for_update(of=("self",)).select_related("run__agent")
    original = rows.get(pk=str(compensation.compensates_id))
    if original.state == ActionState.COMPENSATING:
        move_action(original, becomes, actor=actor, why=f"what takes it back was {compensation.state}")


def record_action(action: Action, before: str, to: str, *, actor: Actor, verb: str, why: str = "") -> None:
    """Write the audit row of one transition of an action."""
    run = action.run
    record(
        actor=actor,
        verb=verb,
        subject_type="action",
        subject_id=action.pk,
        subject=run.subject,
        run_id=run.pk,
        agent=run.agent.name,
        from_state=before,
        to_state=to,
        digest=action.digest,
        tool=action.tool,
        level=action.level,
        rule=action.verdict.get("rule") if not before else None,
        policy=str(action.policy_id) if not before else None,
        replaces=str(action.replaces_id) if action.replaces_id and not before else None,
        why=why or None,
        error=action.error or None,
    )


def hold_lease(run: Run) -> None:
    """Lock the run's row for the rest of the transaction. Raises LeaseLost when the fence is no longer ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, true) FROM agents_run"
            " WHERE id = %s AND fence = %s AND state = 'running' FOR UPDATE",
            [STANDSTILL, str(STANDSTILL_MS), run.pk, run.fence],
        )
        if cursor.fetchone() is None:
            raise LeaseLost("Another worker owns this run.")


def _words(state: str) -> str:
    return state.replace("_", " ")
