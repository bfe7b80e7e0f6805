"""Admins whom one admin alone has made: for a while they do not countersign what that admin proposes.

Otherwise one person makes a second account, signs with it what they proposed themselves, and two were never asked.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from approvals.models import AuditEvent, Request
from approvals.states import RequestKind, RequestState

COOLING_OFF = timedelta(hours=24)
MADE, UNMADE = "made_admin", "unmade_admin"


def hold_admins() -> None:
    """Let nobody be made an admin while a proposal opens, nor the other way round, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(countersign_scope_key('admins'))")


def made_admins_lately(by: Any, now: datetime) -> list[int]:
    """Return whom this person alone has made an admin, or let sign in again as one, within the last day."""
    rows = _changes(by, now).filter(data__has_key=MADE).values_list("subject_id", flat=True)
    return sorted({int(pk) for pk in rows})


def unmade_admins_lately(by: Any, now: datetime) -> bool:
    """Return whether this person took an admin's place away within the last day: that makes nobody the sole admin."""
    return _changes(by, now).filter(data__has_key=UNMADE).exists()


def bar_new_admin(person_id: int, *, by: Any) -> None:
    """Keep the one who was just made an admin away from what their maker has proposed and nobody has signed yet."""
    hold_admins()
    waiting = Request.objects.filter(
        kind=RequestKind.PROPOSAL, state=RequestState.OPEN, proposal__proposer_id=by.pk
    ).select_for_update()
    for request in waiting.order_by("pk"):
        barred = sorted({*request.barred, person_id})
        Request.objects.filter(pk=request.pk).update(barred=barred)


def _changes(by: Any, now: datetime) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(
        subject_type="person", actor_kind="person", actor=by.get_username(), at__gt=now - COOLING_OFF
    )
