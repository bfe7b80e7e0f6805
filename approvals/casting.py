"""One vote as a row, and what it settles. Who may cast it was asked before (approvals.permissions)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from approvals.audit import Actor, record
from approvals.desk_terms import Result
from approvals.errors import NotAllowedToDecide, NotFound, RequestChanged
from approvals.labels import label_vote
from approvals.models import Decision, Request
from approvals.moves import move_request
from approvals.opening import is_as_proposed
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.presence import looked_ms
from approvals.proposals import apply_proposal
from approvals.settled import done_sentence
from approvals.signals import request_settled
from approvals.states import SETTLES_AS, RequestKind, RequestState, Vote

UNDO_WINDOW_S = 10
EXECUTE_WITHIN_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a vote did. `request` is the one that now matters: after an edit, the successor's."""

    request: Request | None
    decision: Decision | None
    settled: bool
    message: str
    withdrawn: Request | None = None


@dataclass(frozen=True, slots=True)
class Ballot:
    """One person's vote as it is cast; on_behalf_of: whose authority they use, when not their own."""

    vote: str
    comment: str = ""
    reason_code: str = ""
    answer: str = ""
    via: str = "browser"
    edited: bool = False
    result_code: str = ""
    on_behalf_of: Any | None = None


def locked_request(request_id: UUID, user: Any) -> Request:
    """Return the request, locked until the transaction ends. Raises NotFound, also for what this person may not see."""
    visible = visible_requests(signer(user)).filter(pk=request_id).exists()
    request = Request.objects.select_for_update().filter(pk=request_id).first() if visible else None
    if request is None:
        raise NotFound("There is no such request, or it belongs to a team you are not in.")
    return request


def cast(request: Request, user: Any, ballot: Ballot, *, now: datetime) -> Settlement:
    """Write the vote, and settle the request when it has enough."""
    decision = _write_decision(request, user, ballot, now)
    label_vote(request, decision)
    if ballot.vote == Vote.APPROVE:
        missing = request.votes_needed - _approvals(request)
        if missing > 0:
            return Settlement(request, decision, False, f"Your vote counts. {missing} more needed.")
    _settle(request, user, ballot, now)
    return Settlement(request, decision, True, done_sentence(request))


def _write_decision(request: Request, user: Any, ballot: Ballot, now: datetime) -> Decision:
    try:
        with transaction.atomic():
            decision = Decision.objects.create(
                request=request,
                user=user,
                vote=ballot.vote,
                comment=ballot.comment.strip(),
                reason_code=ballot.reason_code,
                action_digest=request.action_digest,
                view_digest=request.view_digest,
                edited=ballot.edited,
                on_behalf_of=ballot.on_behalf_of,
                looked_ms=looked_ms(request.pk, user, now) if ballot.via == "browser" else None,
                via=ballot.via,
                at=now,
            )
    except IntegrityError:
        raise NotAllowedToDecide("You have cast your vote; it needs another person's.") from None
    record(
        actor=Actor.person(user),
        verb=f"decision.{ballot.vote}",
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        digest=request.action_digest,
        view_digest=request.view_digest,
        via=ballot.via,
        comment=decision.comment,
        reason_code=ballot.reason_code,
        edited=ballot.edited,
        on_behalf_of=ballot.on_behalf_of.get_username() if ballot.on_behalf_of else None,
    )
    return decision


def _approvals(request: Request) -> int:
    return request.decisions.filter(vote=Vote.APPROVE, withdrawn_at__isnull=True).count()


def _settle(request: Request, user: Any, ballot: Ballot, now: datetime) -> None:
    changes: dict[str, Any] = {"settled_at": now, "answer": (ballot.answer or ballot.comment).strip()}
    if ballot.vote in (Vote.HAPPENED, Vote.DID_NOT_HAPPEN):
        changes["answer"] = ballot.vote
    if ballot.vote == Vote.RESOLVE:
        changes["result_code"] = ballot.result_code or Result.SOLVED
    if ballot.vote == Vote.APPROVE and request.kind == RequestKind.APPROVAL and not request.control:
        after = now + timedelta(seconds=UNDO_WINDOW_S if ballot.via == "browser" else 0)
        changes |= {"execute_after": after, "execute_by": after + timedelta(seconds=EXECUTE_WITHIN_S)}
    move_request(request, RequestState(SETTLES_AS[ballot.vote]), actor=Actor.person(user), **changes)
    if request.kind == RequestKind.PROPOSAL and ballot.vote == Vote.APPROVE:
        if not is_as_proposed(request):
            raise RequestChanged("What is stored is not what was proposed. Reject it; its author starts again.")
        apply_proposal(request, Actor.person(user))
    request_settled.send(sender=Request, request=request, actor=Actor.person(user), now=now)
