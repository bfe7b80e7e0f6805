"""Open requests whose time runs out: people are reminded twice, and once in between others are let in."""

import logging
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from approvals.audit import SYSTEM, record
from approvals.database_clock import database_now
from approvals.deadlines import ESCALATE_AT, STAGES, hours_for, moment_of
from approvals.halts import not_halted
from approvals.models import Absence, ApproverGroup, Request
from approvals.notices import tell
from approvals.people import Signer, present
from approvals.permissions import has_voted, objection
from approvals.states import RequestState, Role

log = logging.getLogger(__name__)
MOST_TOLD = 200


def remind_due_requests(*, limit: int = 200) -> int:
    """Do what is due about open requests that run out of time. Returns how many. What a halt covers is left alone."""
    due = Request.objects.filter(not_halted(), state=RequestState.OPEN, remind_at__lte=database_now())
    return sum(_reminded_alone(pk) for pk in list(due.order_by("remind_at").values_list("pk", flat=True)[:limit]))


def people_who_may_sign(request: Request) -> list[User]:
    """Return those who may settle this request as it is now, by name."""
    votes = list(request.decisions.all())
    found = []
    for user in _candidates(request):
        who = Signer(user)
        if not objection(who, request, voted=has_voted(who, votes)):
            found.append(user)
    return found


def _candidates(request: Request) -> Iterable[User]:
    """Return who could possibly be among them: in its team, in a group that it names, an admin, or a delegate."""
    deciding = Q(groups__name__in=(Role.OPERATOR, Role.ADMIN)) | Q(is_superuser=True)
    groups = [name for name in (request.approvers, request.escalated_to) if name]
    near = Q(groups__name=Role.ADMIN) | Q(is_superuser=True) | Q(approver_memberships__group__name__in=groups)
    near |= Q(teams=request.team_id) if request.team_id else Q()
    standing_in = Q(standing_in_for__in=Absence.objects.filter(present()))
    rows = User.objects.filter(deciding, is_active=True)
    rows = rows if request.team_id is None else rows.filter(near | standing_in)
    return rows.distinct().order_by("username")[:MOST_TOLD]


def _reminded_alone(pk: UUID) -> bool:
    """Do one; what fails must not keep all that comes after it waiting."""
    try:
        return _remind_one(pk)
    except Exception:
        log.exception("nobody could be reminded of request %s", pk)
        return False


def _remind_one(pk: UUID) -> bool:
    with transaction.atomic():
        rows = Request.objects.select_for_update(skip_locked=True, of=("self",)).select_related("team")
        request = rows.filter(pk=pk, state=RequestState.OPEN).first()
        now = database_now()
        if request is None or request.remind_at is None or request.remind_at > now or request.decide_by is None:
            return False
        if request.decide_by <= now:
            # Too late for words; expiry is a matter of seconds.
            Request.objects.filter(pk=pk).update(remind_at=None)
            return False
        passed = _advance(request, now)
        if ESCALATE_AT in passed:
            _escalate(request, now)
        if passed[-1] != ESCALATE_AT:
            _remind(request)
        return True


def _advance(request: Request, now: datetime) -> list[int]:
    """Return the stages that have come since the last look, and note where the request stands now."""
    passed: list[int] = []
    hours = hours_for(request.kind, request.team)
    left = [stage for stage in STAGES if stage > request.reminded]
    while left and request.remind_at is not None and request.remind_at <= now:
        request.reminded = left.pop(0)
        passed.append(request.reminded)
        since, by = request.remind_at, request.decide_by
        request.remind_at = moment_of(left[0], request.reminded, since, by, hours) if left and by else None
    request.save(update_fields=["reminded", "remind_at"])
    return passed


def _remind(request: Request) -> None:
    people = people_who_may_sign(request)
    record(
        actor=SYSTEM,
        verb="request.reminded",
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        percent=request.reminded,
        people=[person.get_username() for person in people],
    )
    for person in people:
        _tell(request, person, f"{request.reminded} % of the time to decide has gone: {request.title}", "reminder")


def _escalate(request: Request, now: datetime) -> None:
    """Let the members of one more group sign too, each within their limit in that group, and tell them."""
    group = _next_group(request)
    if group is None or request.escalated_at:
        return
    request.escalated_to, request.escalated_at = group.name, now
    request.save(update_fields=["escalated_to", "escalated_at"])
    record(
        actor=SYSTEM,
        verb="request.escalated",
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        to=group.name,
    )
    members = set(group.memberships.values_list("user_id", flat=True))
    for person in people_who_may_sign(request):
        if person.pk in members:
            _tell(
                request,
                person,
                f"{group.name} may sign this too by now, for time runs out: {request.title}",
                "escalated",
            )


def _next_group(request: Request) -> ApproverGroup | None:
    """Return where the rule's group passes things on to, or else the team; None: nowhere."""
    rows = ApproverGroup.objects.select_related("escalates_to")
    group = rows.filter(name=request.approvers).first() if request.approvers else None
    further = group.escalates_to if group else None
    if further is None and request.team is not None:
        further = request.team.escalates_to
    return further if further is not None and further.name != request.approvers else None


def _tell(request: Request, person: User, title: str, what: str) -> None:
    tell(
        kind=f"request.{what}",
        title=title,
        link=f"/inbox/{request.pk}/",
        subject=request.subject,
        run_id=request.run_id,
        request_id=request.pk,
        user=person,
    )
