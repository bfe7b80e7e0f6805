"""The verbs on requests. Each is one transaction with an audit row per transition."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from approvals.audit import SYSTEM, Actor, record
from approvals.database_clock import database_now
from approvals.errors import (
    AlreadySettled,
    DeadlinePassed,
    MoveRefused,
    NotAllowed,
    NotAllowedToDecide,
    NotFound,
    RequestChanged,
    TooLateToUndo,
    WrongVote,
)
from approvals.halts import not_halted, stands_since
from approvals.models import Decision, Request
from approvals.money import money_text
from approvals.moves import move_request
from approvals.notices import tell
from approvals.opening import Opening, is_as_proposed, open_request
from approvals.people import signer
from approvals.permissions import check_can_decide, visible_requests
from approvals.ports import Successor, actions
from approvals.proposals import apply_proposal
from approvals.signals import request_settled
from approvals.states import SETTLES_AS, VOTES_OF, RequestClass, RequestKind, RequestState, Vote

log = logging.getLogger(__name__)
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


def decide_request(
    *,
    request_id: UUID,
    user: Any,
    vote: str,
    digest: str,
    comment: str = "",
    reason_code: str = "",
    answer: str = "",
    arguments: Mapping[str, Any] | None = None,
    via: str = "browser",
    stepped_up: bool = False,
) -> Settlement:
    """Record one person's vote and settle the request when it has enough.

    digest: what the person signed, as shown; compared with what is stored.
    arguments: an edit; approves a successor action with these instead (DESIGN 4).
    stepped_up: the person signed in again within the last minutes (asked for class high).
    Raises NotFound, NotAllowedToDecide, AlreadySettled, RequestChanged, DeadlinePassed, WrongVote, BadArguments.
    """
    with transaction.atomic():
        request = _locked(request_id, user)
        now = database_now()
        _check_open(request, digest, now)
        _check_vote(request, vote, answer, comment)
        check_can_decide(user, request, via=via, editing=arguments is not None)
        if request.cls == RequestClass.HIGH and not stepped_up and vote == Vote.APPROVE:
            raise NotAllowedToDecide("Sign in again first: this is a high-risk request.", step_up=True)
        if arguments is not None:
            return _approve_edited(request, user, arguments, comment=comment, via=via, now=now)
        ballot = _Ballot(vote=vote, comment=comment, reason_code=reason_code, answer=answer, via=via)
        return _cast(request, user, ballot, now=now)


def undo_decision(*, request_id: UUID, user: Any) -> Request:
    """Take the settling approval back, before anything runs. The vote stays as a row marked withdrawn."""
    with transaction.atomic():
        request = _locked(request_id, user)
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


def expire_overdue_requests(*, limit: int = 200) -> int:
    """Close what nobody decided in time, and approvals that nobody executed in time. Returns how many.

    Silence is no. What a halt covers waits with its clock standing still.
    """
    return sum(_expired_alone(pk) for pk in _overdue(limit))


def propose_change(
    *,
    change: str,
    payload: Mapping[str, Any],
    title: str,
    card: Mapping[str, Any],
    proposer: Any = None,
    actor: Actor | None = None,
    team_id: int | None = None,
) -> Request:
    """Ask a second person for a change that widens what agents may do. Returns the open request.

    change: a kind registered with approvals.proposals.register_change; payload: what it is given once signed.
    """
    who = actor or Actor.person(proposer)
    barred = [proposer.pk] if proposer is not None else []
    with transaction.atomic():
        return open_request(
            Opening(
                kind=RequestKind.PROPOSAL,
                title=title,
                card=card,
                team_id=team_id,
                barred=barred,
                proposal={"change": change, "payload": dict(payload), "proposer_id": proposer.pk if proposer else None},
                deadline_s=7 * 24 * 3600,
            ),
            actor=who,
            now=database_now(),
        )


@dataclass(frozen=True, slots=True)
class _Ballot:
    vote: str
    comment: str = ""
    reason_code: str = ""
    answer: str = ""
    via: str = "browser"
    edited: bool = False


def _locked(request_id: UUID, user: Any) -> Request:
    visible = visible_requests(signer(user)).filter(pk=request_id).exists()
    request = Request.objects.select_for_update().filter(pk=request_id).first() if visible else None
    if request is None:
        raise NotFound("There is no such request, or it belongs to a team you are not in.")
    return request


def _check_open(request: Request, digest: str, now: datetime) -> None:
    if request.state != RequestState.OPEN:
        raise AlreadySettled(settled_sentence(request), **_who_and_when(request))
    if digest != request.action_digest:
        raise RequestChanged("This changed after you opened it. Read it again before you decide.")
    # Under a halt the clock stands where it stood: what was late before it stays late.
    if request.decide_by and request.decide_by <= (stands_since(request, now=now) or now):
        raise DeadlinePassed(f"The deadline passed at {request.decide_by:%H:%M} UTC; silence counted as no.")


def _check_vote(request: Request, vote: str, answer: str, comment: str) -> None:
    allowed = VOTES_OF[request.kind]
    if vote not in allowed:
        kind = request.kind.replace("_", " ")
        raise WrongVote(f"{'An' if kind[0] in 'aeu' else 'A'} {kind} is settled by {' or '.join(sorted(allowed))}.")
    if vote == Vote.ANSWER and not answer.strip():
        raise WrongVote("Write the answer that the agent is to read.")
    if vote == Vote.RESOLVE and not (answer.strip() or comment.strip()):
        raise WrongVote("Write how this ended: the result counts in the figures.")


def _cast(request: Request, user: Any, ballot: _Ballot, *, now: datetime) -> Settlement:
    decision = _write_decision(request, user, ballot, now)
    if ballot.vote == Vote.APPROVE:
        missing = request.votes_needed - _approvals(request)
        if missing > 0:
            return Settlement(request, decision, False, f"Your vote counts. {missing} more needed.")
    _settle(request, user, ballot, now)
    return Settlement(request, decision, True, _done_sentence(request))


def _write_decision(request: Request, user: Any, ballot: _Ballot, now: datetime) -> Decision:
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
    )
    return decision


def _approvals(request: Request) -> int:
    return request.decisions.filter(vote=Vote.APPROVE, withdrawn_at__isnull=True).count()


def _settle(request: Request, user: Any, ballot: _Ballot, now: datetime) -> None:
    changes: dict[str, Any] = {"settled_at": now, "answer": (ballot.answer or ballot.comment).strip()}
    if ballot.vote in (Vote.HAPPENED, Vote.DID_NOT_HAPPEN):
        changes["answer"] = ballot.vote
    if ballot.vote == Vote.APPROVE and request.kind == RequestKind.APPROVAL:
        after = now + timedelta(seconds=UNDO_WINDOW_S if ballot.via == "browser" else 0)
        changes |= {"execute_after": after, "execute_by": after + timedelta(seconds=EXECUTE_WITHIN_S)}
    move_request(request, RequestState(SETTLES_AS[ballot.vote]), actor=Actor.person(user), **changes)
    if request.kind == RequestKind.PROPOSAL and ballot.vote == Vote.APPROVE:
        if not is_as_proposed(request):
            raise RequestChanged("What is stored is not what was proposed. Reject it; its author starts again.")
        apply_proposal(request, Actor.person(user))
    request_settled.send(sender=Request, request=request, actor=Actor.person(user), now=now)


def _approve_edited(
    request: Request, user: Any, arguments: Mapping[str, Any], *, comment: str, via: str, now: datetime
) -> Settlement:
    if request.kind != RequestKind.APPROVAL or request.action_id is None:
        raise WrongVote("Only an action that waits for approval can be edited.")
    successor = actions().edit(request=request, arguments=arguments, editor=user, now=now)
    following = successor.request
    withdraw_request(
        request, actor=Actor.person(user), why=f"Edited by {user.get_username()}", now=now, successor=following
    )
    if following is None:
        return Settlement(None, None, True, f"The edited action is {successor.state}.", withdrawn=request)
    if _edit_counts(request, following, successor):
        return _vote_on_own_edit(request, following, user, comment=comment, via=via, now=now)
    Request.objects.filter(pk=following.pk).update(barred=sorted({*following.barred, user.pk}))
    message = "Edited. It asks for more than before, so someone other than you signs it."
    return Settlement(following, None, False, message, withdrawn=request)


def _vote_on_own_edit(
    request: Request, following: Request, user: Any, *, comment: str, via: str, now: datetime
) -> Settlement:
    try:
        check_can_decide(user, following, via=via)
    except NotAllowedToDecide as refusal:
        return Settlement(following, None, False, f"Edited; someone else signs it. {refusal.message}", request)
    ballot = _Ballot(vote=Vote.APPROVE, comment=comment, via=via, edited=True)
    cast = _cast(following, user, ballot, now=now)
    return Settlement(cast.request, cast.decision, cast.settled, cast.message, withdrawn=request)


def _edit_counts(old: Request, new: Request, successor: Successor) -> bool:
    """Return whether the editor's own vote counts: nothing about the successor is stricter, dearer or elsewhere."""
    no_stricter = (
        new.level <= old.level
        and new.votes_needed <= old.votes_needed
        and not (new.cls == RequestClass.HIGH and old.cls != RequestClass.HIGH)
    )
    same_money = new.currency == old.currency and (new.money_minor or 0) <= (old.money_minor or 0)
    return no_stricter and same_money and successor.same_target


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
        try:
            move_request(request, RequestState.EXPIRED, actor=SYSTEM, settled_at=now)
        except MoveRefused:
            return False
        request_settled.send(sender=Request, request=request, actor=SYSTEM, now=now)
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


def _who_and_when(request: Request) -> dict[str, Any]:
    last = request.decisions.filter(withdrawn_at__isnull=True).order_by("-at").select_related("user").first()
    return {
        "state": request.state,
        "by": last.user.get_username() if last else None,
        "at": request.settled_at.isoformat() if request.settled_at else None,
        "request": str(request.successor_id) if request.successor_id else None,
    }


def settled_sentence(request: Request) -> str:
    """Return who settled the request, when and how, for whoever came second."""
    known = _who_and_when(request)
    at = f" at {request.settled_at:%H:%M:%S} UTC" if request.settled_at else ""
    if request.state == RequestState.EXPIRED:
        return f"This expired{at}: nobody decided in time."
    if request.state == RequestState.WITHDRAWN:
        return f"This was withdrawn{at}. {request.answer}".strip()
    return f"{known['by'] or 'Somebody'} {request.state} this{at}. Your vote was not counted."


def _done_sentence(request: Request) -> str:
    if request.kind == RequestKind.APPROVAL and request.state == RequestState.APPROVED:
        amount = f" {money_text(request.money_minor, request.currency)}" if request.money_minor is not None else ""
        return f"Approved{amount}. It runs once."
    return f"{request.state.capitalize()}."
