"""The one door for a request's state."""

from typing import Any

from approvals.audit import Actor, record
from approvals.desk_terms import Progress, on_the_desk
from approvals.errors import MoveRefused
from approvals.models import Request
from approvals.states import REQUEST_MOVES, RequestState


def move_request(request: Request, to: RequestState, *, actor: Actor, verb: str = "", **changes: Any) -> None:
    """Move the request and write its audit row; `changes` are further columns.

    Raises MoveRefused when it is no longer in the state that `request` shows.
    """
    before = request.state
    if to not in REQUEST_MOVES[before]:
        raise MoveRefused(f"A request that is {before} cannot become {to}.")
    if on_the_desk(request.kind):
        changes["progress"] = Progress.DONE
    moved = Request.objects.filter(pk=request.pk, state=before).update(state=to, **changes)
    if not moved:
        raise MoveRefused("Somebody else settled this request a moment ago.")
    request.state = to
    for name, value in changes.items():
        setattr(request, name, value)
    record(
        actor=actor,
        verb=verb or f"request.{to}",
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        from_state=before,
        to_state=to,
        digest=request.action_digest,
        kind=request.kind,
    )
