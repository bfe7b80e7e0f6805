"""The verbs on agents and runs, for pages, API, webhooks and the command line."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.errors import MoveRefused, NoSuchAgent
from agents.models import Action, Agent, AgentVersion, Run
from agents.moves import move_action, move_run
from agents.plain import plain
from agents.spec import normal_document, parse_spec
from agents.states import ActionState, RunState
from approvals.audit import SYSTEM, Actor, record
from approvals.database_clock import database_now
from approvals.policy.canonical import canonical_bytes, exact
from approvals.selectors import request_of_action
from approvals.services import lock_requests_of_run, withdraw_request
from approvals.states import RequestState
from config.queues import ring_after_commit

FOREGROUND_HEAD_START_S = 60
_STOPPABLE = {ActionState.ALLOWED, ActionState.PENDING, ActionState.APPROVED}


def start_run(
    *,
    agent: str,
    goal: str,
    input: Mapping[str, Any],
    subject: str = "",
    event_id: UUID | None = None,
    trigger_id: int | None = None,
    initiator: Any = None,
    barred: Collection[int] = (),
    actor: Actor | None = None,
    claimable: bool = True,
) -> Run:
    """Create a queued run of the agent's current version and ring the workers after commit.

    initiator: the person who started it, if one did; they may not sign what it proposes.
    barred: who else may not, because they wrote what it was started with.
    claimable: False leaves the workers a minute before they may take it: the caller works on it itself.
    The same event and trigger give the same run, however often it is asked for. Raises NoSuchAgent.
    """
    chosen = Agent.objects.select_related("current").filter(name=agent, disabled=False).first()
    if chosen is None or chosen.current is None:
        raise NoSuchAgent(f"There is no agent named {agent!r} that takes work.")
    who = actor or (Actor.person(initiator) if initiator is not None else SYSTEM)
    try:
        with transaction.atomic():
            run = Run.objects.create(
                agent=chosen,
                version=chosen.current,
                mode=chosen.current.document.get("mode", "suggest"),
                goal=goal,
                input=plain(input),
                subject=subject[:200],
                event_id=event_id,
                trigger_id=trigger_id,
                initiator=initiator,
                barred=sorted(set(barred)),
                due_at=database_now() + timedelta(seconds=0 if claimable else FOREGROUND_HEAD_START_S),
            )
            record(
                actor=who,
                verb="run.queued",
                subject_type="run",
                subject_id=run.pk,
                subject=run.subject,
                run_id=run.pk,
                agent=chosen.name,
                to_state=RunState.QUEUED,
                version=chosen.current.number,
                event=str(event_id) if event_id else None,
            )
            if claimable:
                ring_after_commit()
    except IntegrityError:
        return Run.objects.get(event_id=event_id, trigger_id=trigger_id)
    run.refresh_from_db(fields=["number"])
    return run


def cancel_run(*, run_id: UUID, user: Any, reason: str = "") -> Run:
    """Stop the run for good. What has been handed over to another system is not undone. Raises MoveRefused."""
    actor = Actor.person(user)
    with transaction.atomic():
        lock_requests_of_run(run_id)
        run = Run.objects.select_for_update(of=("self",)).select_related("agent").get(pk=run_id)
        now = database_now()
        changes: dict[str, Any] = {"ended_at": now, "waiting_for": reason, "lease_owner": "", "lease_expires_at": None}
        # The fence moves on: a worker that is in the middle of a step finds its lease lost.
        move_run(run, RunState.CANCELLED, actor=actor, fence=run.fence, **changes)
        Run.objects.filter(pk=run.pk).update(fence=run.fence + 1)
        for action in Action.objects.filter(run_id=run.pk, state__in=_STOPPABLE).select_for_update():
            action.run = run
            _cancel_action(action, actor, now)
    return run


def retry_run(*, run_id: UUID, user: Any) -> Run:
    """Take a run out of the dead letters: it is claimed again, alone at first."""
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("agent").get(pk=run_id)
        if run.state != RunState.DEAD_LETTER:
            raise MoveRefused(f"Only a dead letter is retried; this run is {run.state.replace('_', ' ')}.")
        changes: dict[str, Any] = {"deaths_alone": 0, "suspect": True, "due_at": database_now(), "ended_at": None}
        move_run(run, RunState.QUEUED, actor=Actor.person(user), **changes)
        ring_after_commit()
    return run


def publish_agent_version(
    *,
    agent: Agent,
    document: Mapping[str, Any],
    actor: Actor,
    user: Any = None,
    note: str = "",
    countersigned_by: Any = None,
) -> AgentVersion:
    """Make the document the agent's current version. Returns the current one when nothing is different.

    Raises BadAgent with one sentence per problem. Whether it widens autonomy is asked by the caller
    (agents.changes.widening_of); this verb writes what has been decided.
    """
    normal = normal_document(document)
    parse_spec(normal)
    digest = hashlib.sha256(canonical_bytes(exact(normal))).hexdigest()
    with transaction.atomic():
        locked = Agent.objects.select_for_update().get(pk=agent.pk)
        current = locked.current
        if current is not None and current.hash == digest:
            return current
        version = AgentVersion.objects.create(
            agent=locked,
            number=(current.number if current else 0) + 1,
            document=normal,
            hash=digest,
            note=note,
            author=user,
            author_label=actor.label,
            editors=sorted({*_wrote_before(locked, digest), *([user.pk] if user is not None else [])}),
        )
        Agent.objects.filter(pk=locked.pk).update(current=version)
        agent.current = version
        record(
            actor=actor,
            verb="agent.published",
            subject_type="agent",
            subject_id=locked.name,
            agent=locked.name,
            digest=digest,
            version=version.number,
            note=note,
            countersigned_by=countersigned_by.get_username() if countersigned_by else None,
        )
    return version


def _wrote_before(agent: Agent, digest: str) -> set[int]:
    """Return who edited an earlier version of the same words: returning to it does not make it anybody else's."""
    rows = AgentVersion.objects.filter(agent=agent, hash=digest).values_list("editors", flat=True)
    return {person for editors in rows for person in editors}


def _cancel_action(action: Action, actor: Actor, now: Any) -> None:
    request = request_of_action(action.pk)
    move_action(action, ActionState.CANCELLED, actor=actor, why="the run was cancelled", ended_at=now)
    if request is not None and request.state in (RequestState.OPEN, RequestState.APPROVED):
        withdraw_request(request, actor=actor, why="The run was cancelled.", now=now)
