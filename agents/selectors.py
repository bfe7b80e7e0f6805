"""Questions about runs and agents. Reads only."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from agents.models import Action, Agent, Run, Step
from approvals.people import signer


def halted_as(run: Run) -> str:
    """Return whose halts cover the run: its agent's. None of an agent's own halts stops the undoing of what it did."""
    return "" if run.undoes_id else run.agent.name


def runs_visible_to(user: Any) -> QuerySet[Run]:
    """Return the runs of the person's teams' agents, or all for admins and auditors."""
    who = signer(user)
    rows = Run.objects.select_related("agent", "version")
    return rows if who.sees_all else rows.filter(agent__team_id__in=who.team_ids)


def agents_visible_to(user: Any) -> QuerySet[Agent]:
    who = signer(user)
    rows = Agent.objects.select_related("team", "current")
    return rows if who.sees_all else rows.filter(team_id__in=who.team_ids)


def actions_visible_to(user: Any) -> QuerySet[Action]:
    who = signer(user)
    rows = Action.objects.select_related("run", "run__agent", "run__version")
    return rows if who.sees_all else rows.filter(run__agent__team_id__in=who.team_ids)


def run_timeline(run_id: UUID) -> Sequence[Step]:
    """Return the journal of a run in order."""
    return list(Step.objects.filter(run_id=run_id).order_by("number"))


def actions_of_run(run_id: UUID) -> Sequence[Action]:
    return list(Action.objects.filter(run_id=run_id).order_by("turn", "position", "created_at"))
