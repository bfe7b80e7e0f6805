"""Who has a request in hand. It binds nobody: the first valid decision wins."""

from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.audit import Actor, record
from approvals.errors import AlreadySettled, NotAllowed, NotFound
from approvals.models import Request
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.states import RequestState


def take_request(*, request_id: UUID, user: Any) -> Request:
    """Put this person's name on an open request, so that others see who has it. Taking it twice changes nothing."""
    who = signer(user)
    with transaction.atomic():
        request = visible_requests(who).select_for_update(of=("self",)).filter(pk=request_id).first()
        if request is None:
            raise NotFound("There is no such request, or it belongs to a team you are not in.")
        if not who.decides:
            raise NotAllowed("Operators and admins take requests.")
        if request.state != RequestState.OPEN:
            raise AlreadySettled(f"This request is {request.state}; there is nothing left to take.")
        if request.assignee_id != user.pk:
            Request.objects.filter(pk=request.pk).update(assignee=user)
            record(
                actor=Actor.person(user),
                verb="request.taken",
                subject_type="request",
                subject_id=request.pk,
                subject=request.subject,
                run_id=request.run_id,
                agent=request.agent,
            )
        request.assignee = user
    return request
