"""Taking the settling approval back, before anything runs."""

from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.audit import Actor
from approvals.casting import locked_request
from approvals.database_clock import database_now
from approvals.errors import NotAllowed, TooLateToUndo
from approvals.models import Decision, Request
from approvals.moves import move_request
from approvals.signals import request_settled
from approvals.states import RequestKind, RequestState, Vote


def undo_decision(*, request_id: UUID, user: Any) -> Request:
    """Take the settling approval back, before anything runs. The vote stays as a row marked withdrawn."""
    with transaction.atomic():
        request = locked_request(request_id, user)
        now = database_now()
        last = request.decisions.filter(withdrawn_at__isnull=True, vote=Vote.APPROVE).order_by("-at").first()
        if request.state != RequestState.APPROVED or last is None or request.kind == RequestKind.PROPOSAL:
            raise TooLateToUndo(f"There is no approval to take back: this request is {request.state}.")
        if last.user_id != user.pk:
            raise NotAllowed(f"{last.user.get_username()} cast the deciding vote; only they can take it back.")
        if request.consumed_at or request.execute_after is None or request.execute_after <= now:
            raise TooLateToUndo("Too late: the action has been handed over.")
        Decision.objects.filter(pk=last.pk).update(withdrawn_at=now)
        cleared = {"settled_at": None, "execute_after": None, "execute_by": None}
        move_request(request, RequestState.OPEN, actor=Actor.person(user), verb="request.undone", **cleared)
        request_settled.send(sender=Request, request=request, actor=Actor.person(user), now=now)
        return request
