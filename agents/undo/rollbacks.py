"""Asking for a rollback, and carrying it on: each run is undone by a run of its own, once nothing in it is uncertain."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from agents.errors import MoveRefused, NoSuchAgent
from agents.models import Action, Agent, Rollback, Run
from agents.selectors import agents_visible_to, runs_visible_to
from agents.services import cancel_run
from agents.states import RUN_ENDED, ActionState, RunState
from agents.undo.plan import Fate, Planned, actions_to_undo, plan_of
from approvals.audit import SYSTEM, Actor, record
from approvals.database_clock import database_now
from approvals.errors import BadArguments, NotAllowed
from approvals.people import signer
from approvals.policy.action import Effect, Mode
from config.queues import ring_after_commit

WORKING, DONE, CANCELLED = "working", "done", "cancelled"
MOST_RUNS = 2_000
# While one of these stands, what came after it cannot be judged: nothing of that run is taken back yet.
_UNSETTLED = (ActionState.UNKNOWN, ActionState.EXECUTING, ActionState.COMPENSATING)
_ENDED = frozenset({*RUN_ENDED, RunState.ESCALATED})


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rollback would do. `plan` is in the order of undoing; `still_running` runs are undone once they end."""

    agent: Agent
    runs: Sequence[UUID]
    plan: Sequence[Planned]
    still_running: int
    since: datetime | None = None
    until: datetime | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        found = Counter(one.fate for one in self.plan)
        return {fate.value: found[fate] for fate in Fate}


def refusal_to_roll_back(user: Any) -> str:
    return "" if signer(user).decides else "Operators and admins undo what agents did."


def preview_run(*, run_id: UUID, user: User) -> Preview:
    """Return what undoing this run would do. Raises NoSuchAgent where the person may not see it."""
    run = runs_visible_to(user).filter(pk=run_id).first()
    if run is None:
        raise NoSuchAgent("There is no such run, or it belongs to a team you are not in.")
    return _preview(run.agent, [run.pk], None, None)


def preview_span(*, agent: str, since: datetime, until: datetime | None, user: User) -> Preview:
    """Return what undoing everything the agent did in the span would do. Raises NoSuchAgent, BadArguments."""
    found = agents_visible_to(user).filter(name=agent).first()
    if found is None:
        raise NoSuchAgent(f"There is no agent named {agent!r}, or it belongs to a team you are not in.")
    end = until or database_now()
    if end <= since:
        raise BadArguments("The end lies before the beginning.", problems=["until: choose a later time."])
    deeds = Action.objects.filter(run__agent=found, first_sent_at__gte=since, first_sent_at__lt=end)
    runs = deeds.exclude(effect=Effect.READ).order_by("run_id").values_list("run_id", flat=True).distinct()
    ids = list(runs[: MOST_RUNS + 1])
    if len(ids) > MOST_RUNS:
        said = f"That is more than {MOST_RUNS} runs. Choose a shorter span."
        raise BadArguments(said, problems=[said])
    return _preview(found, ids, since, end)


def start_rollback(preview: Preview, *, reason: str, user: User) -> Rollback:
    """Begin undoing what the preview shows, each deed as an action of its own under the policy.

    Raises NotAllowed, or BadArguments when there is nothing that could be taken back or no reason is given.
    """
    if refusal_to_roll_back(user):
        raise NotAllowed(refusal_to_roll_back(user))
    if not reason.strip():
        raise BadArguments("Say why: whoever signs the compensations reads it.", problems=["reason: say why."])
    if not any(one.fate in (Fate.REVERSIBLE, Fate.UNKNOWN) for one in preview.plan):
        raise BadArguments("There is nothing here that could be taken back.", problems=[])
    with transaction.atomic():
        rollback = Rollback.objects.create(
            agent=preview.agent,
            runs=list(preview.runs),
            since=preview.since,
            until=preview.until,
            reason=reason.strip(),
            asked_by=user,
        )
        _tell(rollback, Actor.person(user), "rollback.started", reason=rollback.reason, counts=dict(preview.counts))
        ring_after_commit()
    return rollback


def cancel_rollback(*, rollback_id: UUID, user: User) -> Rollback:
    """Stop undoing. What was taken back stays so; what waits for a signature is withdrawn."""
    if refusal_to_roll_back(user):
        raise NotAllowed(refusal_to_roll_back(user))
    with transaction.atomic():
        rollback = Rollback.objects.select_for_update().get(pk=rollback_id)
        if rollback.state != WORKING:
            raise MoveRefused(f"This rollback is {rollback.state}.")
        _end(rollback, CANCELLED, Actor.person(user))
    for run in rollback.undo_runs.exclude(state__in=_ENDED):
        cancel_run(run_id=run.pk, user=user, reason="The rollback was stopped.")
    return rollback


def advance_one() -> bool:
    """A chore: take one rollback further. Returns whether something was started or ended."""
    with transaction.atomic():
        rows = Rollback.objects.select_for_update(of=("self",), skip_locked=True).select_related("agent", "asked_by")
        return any(_advance(rollback) for rollback in rows.filter(state=WORKING).order_by("asked_at")[:20])


def rollbacks_visible_to(user: User) -> Any:
    return Rollback.objects.filter(agent__in=agents_visible_to(user)).select_related("agent", "asked_by")


def plan_of_rollback(rollback: Rollback) -> list[Planned]:
    """Return how each deed of the rollback stands now."""
    return plan_of(actions_to_undo(rollback.since, rollback.until, rollback.runs))


def _advance(rollback: Rollback) -> bool:
    begun = set(rollback.undo_runs.values_list("undoes_id", flat=True))
    waiting = [pk for pk in rollback.runs if pk not in begun]
    ready = _settled(rollback, waiting)
    for pk in ready:
        _begin(rollback, pk)
    if ready:
        ring_after_commit()
    elif not waiting and not rollback.undo_runs.exclude(state__in=_ENDED).exists():
        _end(rollback, DONE, SYSTEM)
        return True
    return bool(ready)


def _settled(rollback: Rollback, run_ids: Sequence[UUID]) -> list[UUID]:
    """Return which of these runs have ended with nothing uncertain in them, the newest first."""
    uncertain = Action.objects.filter(run_id__in=run_ids, state__in=_UNSETTLED).values("run_id")
    ended = Run.objects.filter(pk__in=run_ids, state__in=_ENDED).exclude(pk__in=uncertain)
    return list(ended.order_by("-created_at").values_list("pk", flat=True))


def _begin(rollback: Rollback, run_id: UUID) -> None:
    undone = Run.objects.select_related("agent", "version").get(pk=run_id)
    run = Run.objects.create(
        agent=undone.agent,
        version=undone.version,
        # Never less strict than what it undoes: shadow runs changed nothing, suggested ones were signed one by one.
        mode=Mode.LIVE if undone.mode == Mode.LIVE else Mode.SUGGEST,
        goal=f"Undo what run {undone.number} did. {rollback.reason}",
        input=undone.input,
        subject=undone.subject,
        # Whoever asks for it does not sign it.
        initiator=rollback.asked_by,
        barred=undone.barred,
        undoes=undone,
        rollback=rollback,
        urgency=1,
    )
    record(
        actor=Actor.person(rollback.asked_by),
        verb="run.queued",
        subject_type="run",
        subject_id=run.pk,
        subject=run.subject,
        run_id=run.pk,
        agent=undone.agent.name,
        to_state=RunState.QUEUED,
        undoes=str(undone.pk),
        rollback=str(rollback.pk),
    )


def _end(rollback: Rollback, state: str, actor: Actor) -> None:
    rollback.state, rollback.ended_at = state, database_now()
    rollback.save(update_fields=["state", "ended_at"])
    fates = Counter(one.fate.value for one in plan_of_rollback(rollback))
    _tell(rollback, actor, f"rollback.{state}", counts=dict(fates))


def _tell(rollback: Rollback, actor: Actor, verb: str, **data: Any) -> None:
    record(
        actor=actor,
        verb=verb,
        subject_type="rollback",
        subject_id=rollback.pk,
        agent=rollback.agent.name,
        to_state=rollback.state,
        **data,
    )


def _preview(agent: Agent, run_ids: Collection[UUID], since: datetime | None, until: datetime | None) -> Preview:
    plan = plan_of(actions_to_undo(since, until, run_ids))
    still = Run.objects.filter(pk__in=run_ids).exclude(state__in=_ENDED).count()
    return Preview(agent, list(run_ids), plan, still, since, until)
