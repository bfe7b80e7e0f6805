"""When a request is settled, those who had a part in it are told: who voted, held, was assigned or proposed it."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from approvals.audit import Actor
from approvals.models import Request
from approvals.notices import tell
from approvals.signals import request_settled
from approvals.states import RequestState

# An expiry has a notice of its own, to the whole team.
_TOLD = frozenset({RequestState.APPROVED, RequestState.REJECTED, RequestState.ANSWERED, RequestState.RESOLVED})


def connect() -> None:
    request_settled.connect(tell_who_took_part, dispatch_uid="integrations.channels.settled")


def tell_who_took_part(sender: Any, request: Request, actor: Actor, now: datetime, **_later: Any) -> None:
    """Write a notice for each of them but the one who settled it, in the verb's transaction."""
    if request.state not in _TOLD:
        return
    for user in User.objects.filter(pk__in=_part_of(request), is_active=True).exclude(pk=actor.user_id or 0):
        tell(
            kind="request.settled",
            title=f"{request.state.capitalize()} by {actor.label}: {request.title}",
            link=f"/inbox/{request.pk}/",
            subject=request.subject,
            run_id=request.run_id,
            request_id=request.pk,
            user=user,
        )


def _part_of(request: Request) -> set[int]:
    voters = set(request.decisions.filter(withdrawn_at__isnull=True).values_list("user_id", flat=True))
    proposer = (request.proposal or {}).get("proposer_id")
    return {pk for pk in (*voters, request.assignee_id, request.held_by_id, proposer) if pk is not None}
