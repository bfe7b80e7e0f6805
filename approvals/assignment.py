"""Who has a request in hand, whose work it is, and who does not want to see it just now. None of it binds anybody."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.errors import AlreadySettled, NotAllowed, NotFound, WrongTime
from approvals.models import Request, Snooze
from approvals.notices import tell
from approvals.people import Signer, signer
from approvals.permissions import objection, visible_requests
from approvals.states import RequestState

HELD_FOR = timedelta(minutes=15)
LONGEST_SNOOZE = timedelta(days=30)


def take_request(*, request_id: UUID, user: Any) -> Request:
    """Put this person's name on an open request for a quarter of an hour; taking it again renews that.

    Whoever held it before is in the audit row: a claim tells others, it does not keep them out.
    """
    with transaction.atomic():
        request = _open_for(signer(user), request_id)
        before, now = request.holder, database_now()
        request.held_by, request.held_until = user, now + HELD_FOR
        request.save(update_fields=["held_by", "held_until"])
        if before is None or before.pk != user.pk:
            _told(user, "request.taken", request, taken_from=before.get_username() if before else None)
    return request


def renew_claim(*, request_id: UUID, user: Any, now: datetime) -> bool:
    """Let the holder's quarter of an hour begin anew, while they look. Returns whether they hold it."""
    held = Request.objects.filter(pk=request_id, state=RequestState.OPEN, held_by=user, held_until__gt=now)
    return bool(held.update(held_until=now + HELD_FOR))


def give_back_request(*, request_id: UUID, user: Any) -> Request:
    """Take this person's name off again. Changes nothing when somebody else holds it by now, or nobody."""
    with transaction.atomic():
        request = _open_for(signer(user), request_id)
        if request.held_by_id == user.pk:
            request.held_by, request.held_until = None, None
            request.save(update_fields=["held_by", "held_until"])
            _told(user, "request.given_back", request)
    return request


def assign_request(*, request_id: UUID, user: Any, to: Any | None) -> Request:
    """Make an open request one person's work, or (to=None) nobody's in particular. That person is told.

    Raises NotAllowed with the sentence when they could not settle it. Everybody else who may, still may.
    """
    with transaction.atomic():
        request = _open_for(signer(user), request_id)
        if to is not None:
            _check_can_be_given(request, to)
        if request.assignee_id == (to.pk if to else None):
            return request
        request.assignee = to
        request.save(update_fields=["assignee"])
        _told(user, "request.assigned", request, to=to.get_username() if to else None)
        if to is not None and to.pk != user.pk:
            _tell_assignee(request, user, to)
    return request


def snooze_request(*, request_id: UUID, user: Any, until: datetime) -> Snooze:
    """Hide one open request from this person's own list until then. Its deadline goes on, and others still see it."""
    with transaction.atomic():
        request = _open_for(signer(user), request_id)
        _check_until(request, until, database_now())
        snooze, _ = Snooze.objects.update_or_create(request=request, user=user, defaults={"until": until})
        _told(user, "request.snoozed", request, until=until.isoformat())
    return snooze


def unsnooze_request(*, request_id: UUID, user: Any) -> Request:
    """Show the request in this person's list again."""
    with transaction.atomic():
        request = _open_for(signer(user), request_id)
        gone, _ = Snooze.objects.filter(request=request, user=user).delete()
        if gone:
            _told(user, "request.unsnoozed", request)
    return request


def _open_for(who: Signer, request_id: UUID) -> Request:
    rows = visible_requests(who).select_related("held_by").select_for_update(of=("self",))
    request = rows.filter(pk=request_id).first()
    if request is None:
        raise NotFound("There is no such request, or it belongs to a team you are not in.")
    if not who.decides:
        raise NotAllowed("Operators and admins take, assign and snooze requests.")
    if request.state != RequestState.OPEN:
        raise AlreadySettled(f"This request is {request.state}; there is nothing left to do with it.")
    return request


def _check_can_be_given(request: Request, to: Any) -> None:
    sentence = objection(Signer(to), request)
    if sentence:
        raise NotAllowed(f"{to.get_username()} could not settle this, and would be told: {sentence}")


def _check_until(request: Request, until: datetime, now: datetime) -> None:
    if not now < until <= now + LONGEST_SNOOZE:
        raise WrongTime("Snooze until a time that is still to come, at most 30 days away.")
    if request.decide_by and until >= request.decide_by:
        raise WrongTime(f"Nobody's silence is a yes: this expires at {request.decide_by:%d %b %H:%M} UTC, before that.")


def _tell_assignee(request: Request, by: Any, to: Any) -> None:
    tell(
        kind="request.assigned",
        title=f"{by.get_username()} gave you: {request.title}",
        link=f"/inbox/{request.pk}/",
        subject=request.subject,
        run_id=request.run_id,
        request_id=request.pk,
        user=to,
    )


def _told(user: Any, verb: str, request: Request, **data: Any) -> None:
    record(
        actor=Actor.person(user),
        verb=verb,
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        **data,
    )
