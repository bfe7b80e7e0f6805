"""Silence is no: what nobody decided, and what nobody executed, in time."""

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from approvals.audit import SYSTEM
from approvals.database_clock import database_now
from approvals.errors import MoveRefused
from approvals.halts import not_halted
from approvals.labels import label_expiry
from approvals.models import Request
from approvals.moves import move_request
from approvals.notices import tell
from approvals.signals import request_settled
from approvals.states import RequestState

log = logging.getLogger(__name__)


def expire_overdue_requests(*, limit: int = 200) -> int:
    """Close what nobody decided in time, and approvals that nobody executed in time. Returns how many.

    Silence is no. What a halt covers waits with its clock standing still.
    """
    return sum(_expired_alone(pk) for pk in _overdue(limit))


def _overdue(limit: int) -> list[UUID]:
    now = database_now()
    waiting = Request.objects.filter(not_halted(), state=RequestState.OPEN, decide_by__lte=now)
    unused = Request.objects.filter(
        not_halted(), state=RequestState.APPROVED, consumed_at__isnull=True, execute_by__lte=now
    )
    return [*waiting.values_list("pk", flat=True)[:limit], *unused.values_list("pk", flat=True)[:limit]]


def _expired_alone(pk: UUID) -> bool:
    """Close one; what cannot be closed must not keep all that comes after it open."""
    try:
        return _expire_one(pk)
    except Exception:
        log.exception("request %s could not be closed", pk)
        return False


def _expire_one(pk: UUID) -> bool:
    with transaction.atomic():
        request = Request.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        now = database_now()
        if request is None or not _is_overdue(request, now):
            return False
        undecided = request.state == RequestState.OPEN
        try:
            move_request(request, RequestState.EXPIRED, actor=SYSTEM, settled_at=now)
        except MoveRefused:
            return False
        request_settled.send(sender=Request, request=request, actor=SYSTEM, now=now)
        if undecided:
            label_expiry(request)
        if request.control:
            return True
        tell(
            kind="request.expired",
            title=f"Nobody decided in time, so nothing runs: {request.title}",
            link=f"/inbox/{request.pk}/",
            subject=request.subject,
            run_id=request.run_id,
            request_id=request.pk,
            team=request.team,
        )
        return True


def _is_overdue(request: Request, now: datetime) -> bool:
    if request.state == RequestState.OPEN:
        return bool(request.decide_by and request.decide_by <= now)
    return bool(
        request.state == RequestState.APPROVED
        and request.consumed_at is None
        and request.execute_by
        and request.execute_by <= now
    )
