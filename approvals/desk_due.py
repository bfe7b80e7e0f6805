"""When work on the desk is due: so many working hours after it came, by its priority and its team's hours."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from approvals.deadlines import hours_for
from approvals.desk_terms import Priority, Progress, on_the_desk
from approvals.models import Team
from approvals.states import RequestKind
from approvals.working_hours import add_working_seconds

WORKING_HOURS: Mapping[str, int] = {Priority.URGENT: 1, Priority.HIGH: 4, Priority.NORMAL: 8, Priority.LOW: 24}


def due_after(priority: str, team: Team | None, came_at: datetime, *, decide_by: datetime | None = None) -> datetime:
    """Return when this is due, never after its own deadline: a question that has expired is answered by nobody."""
    wanted = _later(came_at, timedelta(hours=WORKING_HOURS.get(priority, WORKING_HOURS[Priority.NORMAL])), team)
    return min(wanted, decide_by) if decide_by else wanted


def _later(start: datetime, work: timedelta, team: Team | None) -> datetime:
    return add_working_seconds(start, work.total_seconds(), hours_for(RequestKind.HAND_OFF, team))


def columns_at_opening(
    kind: str, priority: str, team_id: int | None, came_at: datetime, decide_by: datetime | None
) -> dict[str, Any]:
    """Return the columns that make an opened request work on the desk; nothing for what is no such work."""
    if not on_the_desk(kind):
        return {}
    team = Team.objects.filter(pk=team_id).first() if team_id else None
    return {"progress": Progress.NEW, "due_at": due_after(priority, team, came_at, decide_by=decide_by)}
