"""Writing down what became of an action that had been handed over: succeeded, failed, or unknown for a person."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from agents.answers import answer_action
from agents.cards import run_card
from agents.errors import LeaseLost
from agents.guards.placeholders import Placeholders
from agents.models import Action, Run
from agents.moves import hold_lease, move_action
from agents.plain import plain
from agents.spending import release_money
from agents.states import RUN_ENDED, ActionState, RunState
from agents.tools.execution import Outcome
from approvals.audit import SYSTEM, Actor
from approvals.database_clock import database_now
from approvals.notices import tell
from approvals.opening import Opening, open_request
from approvals.policy.action import Effect
from approvals.policy.verdict import Level
from approvals.states import RequestKind


def settle_action(
    run: Run, action: Action, outcome: Outcome, *, actor: Actor, hidden: Callable[[], Placeholders]
) -> None:
    """Write the outcome and, where there is one, the answer for the model; an unknown one opens a request.

    `hidden` is asked once the result is written: the result may itself hold what the model shall not read.

    When the run was cancelled meanwhile only the outcome is written: nobody else will ever claim that run.
    Raises LeaseLost when another worker has taken over.
    """
    try:
        with transaction.atomic():
            hold_lease(run)
            _write(run, action, outcome, actor)
            if outcome.state != ActionState.UNKNOWN:
                answer_action(action, latency_ms=outcome.latency_ms, hidden=hidden())
    except LeaseLost:
        _write_after_cancel(run, action, outcome, actor)


def settle_abandoned(limit: int = 100) -> int:
    """Turn actions that were handed over in runs that have ended into unknown outcomes. Returns how many.

    A worker that died in the middle of a call of a cancelled run leaves such an action; nobody goes on with it.
    """
    rows = Action.objects.select_for_update(of=("self",), skip_locked=True).select_related(
        "run__agent__team", "run__version"
    )
    with transaction.atomic():
        lost = list(
            rows.filter(state=ActionState.EXECUTING, run__state__in=RUN_ENDED, run__ended_at__lt=_long_ago())[:limit]
        )
        for action in lost:
            error = "The run had ended before the answer came."
            state = ActionState.FAILED if action.effect == Effect.READ else ActionState.UNKNOWN
            _write(action.run, action, Outcome(state, error=error), SYSTEM)
    return len(lost)


def ask_what_happened(action: Action, *, actor: Actor) -> None:
    """Open the request by which a person settles an unknown outcome."""
    run = action.run
    open_request(
        Opening(
            kind=RequestKind.UNKNOWN_OUTCOME,
            title=f"Did this happen? {action.sentence}",
            card=run_card(
                run,
                sentence=action.sentence,
                tool=action.tool,
                effect=action.effect,
                attempts=str(action.attempts),
                error=action.error,
                then={
                    "happened": "The run goes on as if it had succeeded.",
                    "did_not_happen": "The run is told that it failed; the agent may try another way.",
                },
            ),
            team_id=run.agent.team_id,
            agent=run.agent.name,
            subject=run.subject,
            tool=action.tool,
            connection=action.connection,
            run_id=run.pk,
            action_id=action.pk,
            action_digest=action.digest,
            money_minor=action.money_minor,
            currency=action.currency,
            risk="high" if action.money_minor else "medium",
            reason_code="unknown_outcome",
            priority="high",
        ),
        actor=actor,
        now=database_now(),
    )


def _write_after_cancel(run: Run, action: Action, outcome: Outcome, actor: Actor) -> None:
    with transaction.atomic():
        now = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if now.state != RunState.CANCELLED:
            raise LeaseLost("Another worker owns this run.")
        _write(run, action, outcome, actor)
    raise LeaseLost("The run was cancelled; what had been handed over is written down.")


def _write(run: Run, action: Action, outcome: Outcome, actor: Actor) -> None:
    changes: dict[str, Any] = {"error": outcome.error, "latency_ms": outcome.latency_ms}
    changes["result"] = plain(outcome.result.data) if outcome.result is not None else None
    if outcome.state != ActionState.UNKNOWN:
        changes["ended_at"] = database_now()
    move_action(action, outcome.state, actor=actor, **changes)
    if outcome.state == ActionState.UNKNOWN:
        ask_what_happened(action, actor=actor)
    elif outcome.state == ActionState.FAILED and action.money_minor and action.effect != Effect.READ:
        release_money(run, action.money_minor, action.currency, action.first_sent_at)
    elif outcome.state == ActionState.SUCCEEDED and action.level == Level.NOTIFY:
        _tell_people(run, action)


def _tell_people(run: Run, action: Action) -> None:
    tell(
        kind="action.done",
        title=f"{run.agent.name} did this alone: {action.sentence}",
        link=f"/runs/{run.pk}/",
        subject=run.subject,
        run_id=run.pk,
        team=run.agent.team,
    )


def _long_ago() -> datetime:
    """The longest a call that was in flight at the end may still take to come back and tell for itself."""
    return database_now() - timedelta(minutes=5)
