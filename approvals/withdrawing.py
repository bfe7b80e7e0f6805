"""Requests that nobody needs to settle any more, and the lock that keeps them still meanwhile."""

from datetime import datetime
from uuid import UUID

from approvals.audit import Actor
from approvals.models import Request
from approvals.moves import move_request
from approvals.states import RequestState


def withdraw_request(
    request: Request, *, actor: Actor, why: str, now: datetime, successor: Request | None = None
) -> None:
    """Close a request that nobody needs to settle any more, inside the caller's transaction."""
    move_request(
        request,
        RequestState.WITHDRAWN,
        actor=actor,
        settled_at=now,
        successor_id=successor.pk if successor else None,
        answer=why,
    )


def lock_requests_of_run(run_id: UUID) -> None:
    """Lock what people may be deciding about this run. Always before the run's own row: deciding locks in that order."""
    rows = Request.objects.filter(run_id=run_id, state__in=(RequestState.OPEN, RequestState.APPROVED))
    list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
