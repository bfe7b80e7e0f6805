"""Work on the desk: whose it is, how urgent, until when it waits. Deciding it stays with `decide_request`."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from approvals.assignment import assign_request
from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.desk_due import due_after
from approvals.desk_terms import Priority, Progress, on_the_desk
from approvals.errors import AlreadySettled, BadArguments, NotAllowed, NotFound, WrongTime
from approvals.models import Request, Team
from approvals.notices import tell
from approvals.people import Signer, signer
from approvals.permissions import visible_requests
from approvals.remarks import keep_note
from approvals.states import RequestState

LONGEST_WAIT = timedelta(days=90)


def refusal_to_work(user: Any) -> str:
    """Return why this person may not work at the desk, or ""."""
    who = signer(user)
    role = next(iter(sorted(who.roles)), "no role")
    return "" if who.decides else f"Operators and admins work at the desk; you are signed in as {role}."


def teams_of(user: Any) -> QuerySet[Team]:
    """Return the teams this person may give work to: those whose work they see."""
    who = signer(user)
    return Team.objects.order_by("name") if who.sees_all else Team.objects.filter(pk__in=who.team_ids).order_by("name")


def take_over(*, request_id: UUID, user: Any) -> Request:
    """Make this person the one who works on it; what waited goes on."""
    with transaction.atomic():
        _work_for(signer(user), request_id)
        request = assign_request(request_id=request_id, user=user, to=user)
        if request.progress != Progress.TAKEN:
            _change(request, user, "desk.taken", progress=Progress.TAKEN, wait_until=None)
    return request


def put_back(*, request_id: UUID, user: Any) -> Request:
    """Take the name off it: new again, for whoever comes first."""
    with transaction.atomic():
        _work_for(signer(user), request_id)
        request = assign_request(request_id=request_id, user=user, to=None)
        _change(request, user, "desk.put_back", progress=Progress.NEW, wait_until=None)
    return request


def wait(*, request_id: UUID, user: Any, until: datetime, note: str) -> Request:
    """Let it rest until then, with a note that says what for. Its due time and its deadline go on."""
    with transaction.atomic():
        request, now = _work_for(signer(user), request_id), database_now()
        if not now < until <= now + LONGEST_WAIT:
            raise WrongTime("Wait until a time that is still to come, at most 90 days away.")
        if not note.strip():
            raise BadArguments("Say what it waits for: whoever looks next wants to know.")
        keep_note(request=request, user=user, text=f"Waits: {note.strip()}")
        _change(request, user, "desk.waits", progress=Progress.WAITING, wait_until=until)
    return request


def go_on(*, request_id: UUID, user: Any) -> Request:
    """End the wait: it is taken again when it has a name on it, else new."""
    with transaction.atomic():
        request = _work_for(signer(user), request_id)
        if request.progress == Progress.WAITING:
            progress = Progress.TAKEN if request.assignee_id else Progress.NEW
            _change(request, user, "desk.goes_on", progress=progress, wait_until=None)
    return request


def set_priority(*, request_id: UUID, user: Any, priority: str) -> Request:
    """Change how urgent it is. The due time follows, counted from when it came."""
    if priority not in set(Priority):
        raise BadArguments("A priority is low, normal, high or urgent.")
    with transaction.atomic():
        request = _work_for(signer(user), request_id)
        if request.priority != priority:
            due = due_after(priority, request.team, request.created_at, decide_by=request.decide_by)
            _change(request, user, "desk.priority", priority=priority, due_at=due)
    return request


def set_due(*, request_id: UUID, user: Any, due_at: datetime) -> Request:
    """Say by when it is to be done. A question keeps its own deadline, so that is the latest."""
    with transaction.atomic():
        request = _work_for(signer(user), request_id)
        if due_at <= database_now():
            raise WrongTime("Due at a time that is still to come.")
        if request.decide_by and due_at > request.decide_by:
            raise WrongTime(f"It expires at {request.decide_by:%d %b %H:%M} UTC; it cannot be due after that.")
        _change(request, user, "desk.due", due_at=due_at)
    return request


def move_to_team(*, request_id: UUID, user: Any, team_id: int) -> Request:
    """Give the work to another team, which sees it from now on; the old one no longer does. That team is told."""
    team = teams_of(user).filter(pk=team_id).first()
    if team is None:
        raise NotFound("There is no such team, or you do not see its work.")
    with transaction.atomic():
        request = _work_for(signer(user), request_id)
        if request.team_id == team.pk:
            return request
        keeps = request.assignee is not None and _sees(Signer(request.assignee), team)
        kept = request.progress if keeps else Progress.NEW
        assignee = request.assignee if keeps else None
        before = request.team.name if request.team else "nobody"
        _change(request, user, "desk.moved", _was=before, team=team, assignee=assignee, progress=kept)
        _tell_team(request, user, team)
    return request


def _sees(who: Signer, team: Team) -> bool:
    return who.sees_all or team.pk in who.team_ids


def _work_for(who: Signer, request_id: UUID) -> Request:
    """Return the open request, locked, or raise with the sentence why this person cannot work on it."""
    rows = visible_requests(who).select_related("team", "assignee").select_for_update(of=("self",))
    request = rows.filter(pk=request_id).first()
    if request is None or not on_the_desk(request.kind):
        raise NotFound("There is no such work, or it belongs to a team you are not in.")
    refusal = refusal_to_work(who.user)
    if refusal:
        raise NotAllowed(refusal)
    if request.state != RequestState.OPEN:
        raise AlreadySettled(f"This is {request.state}; there is nothing left to do with it.")
    return request


def _change(request: Request, user: Any, verb: str, *, _was: str = "", **changes: Any) -> None:
    """Write the columns and the audit row that says what was and what is."""
    before = {name: _told(getattr(request, name)) for name in changes}
    for name, value in changes.items():
        setattr(request, name, value)
    request.save(update_fields=list(changes))
    after = {name: _told(value) for name, value in changes.items()}
    record(
        actor=Actor.person(user),
        verb=verb,
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        before=_differing(before, after),
        after=_differing(after, before),
        moved_from=_was or None,
    )


def _differing(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in one.items() if other[name] != value}


def _told(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)


def _tell_team(request: Request, user: Any, team: Team) -> None:
    tell(
        kind=f"request.{request.kind}",
        title=f"{user.get_username()} gave this to {team.name}: {request.title}",
        link=f"/inbox/{request.pk}/",
        subject=request.subject,
        run_id=request.run_id,
        request_id=request.pk,
        team=team,
    )
