"""Standing answers: "answer the same way for identical cases", given beside a decision and never with it.

One says no at once. One says yes only after an admin other than its author signed it: it lets agents do more without
a person before each deed. Either holds for a span, for exactly one case, and until somebody revokes it. Rules come
first: what they deny or leave to people never gets this far.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from approvals.audit import Actor, record
from approvals.authority import needs_second
from approvals.configured import open_proposal
from approvals.database_clock import database_now
from approvals.errors import AlreadySettled, NotAllowed, NotFound, RequestChanged, WrongVote
from approvals.models import Request, StandingAnswer
from approvals.people import Signer, fresh_signer, signer
from approvals.permissions import own_objection, visible_requests
from approvals.policy.canonical import canonical_bytes, digest_of
from approvals.proposals import propose_change, register_change
from approvals.standing_case import case_of, same_of, shown_case
from approvals.states import RequestState, Vote

CHANGE = "standing.approve"
DEFAULT_DAYS, MOST_DAYS = 7, 90
_VOTE_OF = {RequestState.APPROVED: Vote.APPROVE, RequestState.REJECTED: Vote.REJECT}


def register() -> None:
    register_change(CHANGE, _apply)


def refusal_to_stand(who: Signer, request: Request) -> str:
    """Return why this person may not let this answer stand, or "". It is their own vote that would be cast again."""
    vote = _VOTE_OF.get(RequestState(request.state))
    mine = request.decisions.filter(user=who.user, vote=vote, withdrawn_at__isnull=True, edited=False)
    if vote is None or not mine.exclude(via="standing").exists():
        return "Only whoever decided this can let their answer stand for identical cases."
    if case_of(request) is None:
        return "A case like this is decided by itself each time."
    return own_objection(who, request)


def let_stand(*, request_id: UUID, user: Any, days: int = DEFAULT_DAYS, any_agent: bool = False, reason: str) -> Any:
    """Let this person's answer to a settled request stand for identical cases.

    Returns the StandingAnswer, or for an approval the open Request on which another admin signs it.
    Raises NotFound, NotAllowed, WrongVote.
    """
    with transaction.atomic():
        request = visible_requests(signer(user)).filter(pk=request_id).first()
        if request is None:
            raise NotFound("There is no such request, or it belongs to a team you are not in.")
        _check(signer(user), request, days, reason)
        given = _given(request, days=days, any_agent=any_agent, reason=reason)
        if given["vote"] == Vote.REJECT or (signer(user).is_admin and not needs_second(user)):
            return _create(given, request, author=user, signed_by=None)
        return _propose(given, request, user)


def revoke(*, standing_id: UUID, user: Any) -> StandingAnswer:
    """End a standing answer at once: the next identical case waits for a person. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        found = visible_standing(signer(user)).select_for_update(of=("self",)).filter(pk=standing_id).first()
        if found is None:
            raise NotFound("There is no such standing answer, or it belongs to a team you are not in.")
        if not signer(user).decides:
            raise NotAllowed("Operators and admins revoke standing answers.")
        if found.revoked_at:
            raise AlreadySettled("It was revoked before.")
        found.revoked_at, found.revoked_by = database_now(), user
        found.save(update_fields=["revoked_at", "revoked_by"])
        _record(found, "standing.revoked", Actor.person(user), uses=found.uses)
        return found


def visible_standing(who: Signer) -> QuerySet[StandingAnswer]:
    rows = StandingAnswer.objects.select_related("author", "team")
    return rows if who.sees_all else rows.filter(Q(team__isnull=True) | Q(team_id__in=who.team_ids))


def in_force() -> Q:
    """Return the condition on standing answers that count now, by the database's clock."""
    return Q(revoked_at__isnull=True, expires_at__gt=Now())


def _check(who: Signer, request: Request, days: int, reason: str) -> None:
    refusal = refusal_to_stand(who, request)
    if refusal:
        raise NotAllowed(refusal)
    if not 1 <= days <= MOST_DAYS:
        raise WrongVote(f"It stands for 1 to {MOST_DAYS} days.")
    if not reason.strip():
        raise WrongVote("Write why the same answer is right each time; it is shown with every use.")


def _given(request: Request, *, days: int, any_agent: bool, reason: str) -> dict[str, Any]:
    action = case_of(request)
    assert action is not None  # noqa: S101 - refusal_to_stand asked the same
    return {
        "request": str(request.pk),
        "same": same_of(action),
        "agent": "" if any_agent else request.agent,
        "vote": str(_VOTE_OF[RequestState(request.state)]),
        "days": days,
        "reason": reason.strip()[:2000],
        "shown": shown_case(request, action),
    }


def _propose(given: Mapping[str, Any], request: Request, user: User) -> Request:
    plan = digest_of(canonical_bytes([dict(given), user.pk]))
    waiting = open_proposal(change=CHANGE, plan=plan)
    if waiting is not None:
        return Request.objects.get(pk=waiting)
    return propose_change(
        change=CHANGE,
        payload={**given, "plan": plan},
        title=f"Approve without asking, each time it is identical: {request.title}",
        card=_card(given, request, user),
        proposer=user,
        team_id=request.team_id,
    )


def _card(given: Mapping[str, Any], request: Request, user: User) -> dict[str, Any]:
    whom = f"agent {given['agent']}" if given["agent"] else "any agent of the team"
    return {
        "sentence": f"Approve each time it is identical: {request.title}",
        "text": given["reason"],
        "why": {
            "text": f"{user.get_username()} would no longer be asked, for {given['days']} days.",
            "rule": "Wider autonomy is signed by a second person",
            "condition": "",
            "values": [],
        },
        "widens": [f"For {whom}, the same call is approved in {user.get_username()}'s name without a look at it."],
        "lines": [["+", f"{name}: {text}"] for name, text in given["shown"]],
        "then": {
            "reversible": "Yes: anybody who decides here revokes it under Standing answers, at once.",
            "approve": f"It holds at once, for {given['days']} days.",
            "reject": "Each case waits for a person, as before.",
            "expiry": "Counts as rejected.",
        },
    }


def _apply(payload: Mapping[str, Any], actor: Actor, proposer_id: Any) -> str:
    request = Request.objects.get(pk=payload["request"])
    author = fresh_signer(proposer_id) if proposer_id else None
    if author is None or refusal_to_stand(author, request):
        raise RequestChanged("Its author may not sign such a case any more. Reject it.")
    _create(payload, request, author=author.user, signed_by=User.objects.get(pk=actor.user_id or 0))
    return f"It is answered in {author.user.get_username()}'s name for {payload['days']} days."


def _create(given: Mapping[str, Any], request: Request, *, author: Any, signed_by: Any) -> StandingAnswer:
    now: datetime = database_now()
    made = StandingAnswer.objects.create(
        same=given["same"],
        team_id=request.team_id,
        agent=given["agent"],
        tool=request.tool,
        title=request.title,
        vote=given["vote"],
        reason=given["reason"],
        request=request,
        shown=given["shown"],
        author=author,
        signed_by=signed_by,
        created_at=now,
        expires_at=now + timedelta(days=given["days"]),
    )
    _record(made, "standing.given", Actor.person(author), signed_by=signed_by.get_username() if signed_by else None)
    return made


def _record(standing: StandingAnswer, verb: str, actor: Actor, **data: Any) -> None:
    record(
        actor=actor,
        verb=verb,
        subject_type="standing_answer",
        subject_id=standing.pk,
        subject=standing.request.subject,
        agent=standing.agent,
        digest=standing.same,
        vote=standing.vote,
        tool=standing.tool,
        request=str(standing.request_id),
        reason=standing.reason,
        expires_at=standing.expires_at.isoformat(),
        **data,
    )
