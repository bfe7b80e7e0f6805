"""When a request must be decided, in the working hours of its team, and when people are reminded of it."""

from datetime import datetime

from approvals.models import Request, Team
from approvals.states import RequestKind
from approvals.working_hours import BadHours, Hours, add_working_seconds, parse_hours, working_seconds

# Per cent of the time gone: people are reminded at the first and last, others are let in at the one between.
REMIND_AT, ESCALATE_AT, REMIND_AGAIN_AT = 50, 75, 90
STAGES = (REMIND_AT, ESCALATE_AT, REMIND_AGAIN_AT)


def hours_for(kind: str, team: Team | None) -> Hours | None:
    """Return the hours in which the deadline of such a request runs; None: always.

    A proposal belongs to the admins, who are in no team. Hours that cannot be read count as none: a deadline there is.
    """
    if team is None or kind == RequestKind.PROPOSAL:
        return None
    try:
        return parse_hours(team.hours)
    except BadHours:
        return None


def reminder_columns(now: datetime, decide_by: datetime | None, hours: Hours | None) -> dict[str, datetime | None]:
    """Return the columns of a new request that say when people are first reminded."""
    return {"remind_at": moment_of(REMIND_AT, 0, now, decide_by, hours) if decide_by else None}


def moment_of(stage: int, since_stage: int, since: datetime, decide_by: datetime, hours: Hours | None) -> datetime:
    """Return when so many per cent of the time will have gone, known that at `since` it was `since_stage`.

    Counted from the stage before, so that time which stood still under a halt is in none of the shares.
    """
    left = working_seconds(since, decide_by, hours)
    return add_working_seconds(since, left * (stage - since_stage) / (100 - since_stage), hours)


def give_back_time(request: Request, *, since: datetime, now: datetime) -> None:
    """Move the deadline, and the reminder, of an open request whose clock stood still: as much time is left as then."""
    hours = hours_for(request.kind, request.team)
    if request.decide_by:
        request.decide_by = _later(request.decide_by, since, now, hours)
    if request.remind_at:
        request.remind_at = _later(request.remind_at, since, now, hours)


def _later(moment: datetime, since: datetime, now: datetime, hours: Hours | None) -> datetime:
    if moment <= since:
        return moment  # what was late before it stood still stays late
    return add_working_seconds(now, working_seconds(since, moment, hours), hours)
