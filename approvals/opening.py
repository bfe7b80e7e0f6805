"""Opening a request: what a person must settle, written with its audit row and a notice to those who may."""

from datetime import datetime
from typing import Any

from approvals.alike import alike_key
from approvals.audit import Actor, record
from approvals.deadlines import hours_for, reminder_columns
from approvals.desk_due import columns_at_opening
from approvals.models import Request, Team
from approvals.new_request import Opening
from approvals.notices import tell
from approvals.policy.canonical import canonical_bytes, digest_of, exact
from approvals.states import RequestClass, RequestKind
from approvals.working_hours import add_working_seconds

# The shape of what is opened belongs to it: most callers need both.
__all__ = ["Opening", "is_as_proposed", "is_as_shown", "open_request"]

DEFAULT_DEADLINE_S = 24 * 3600
HIGH_DEADLINE_S = 4 * 3600


def open_request(opening: Opening, *, actor: Actor, now: datetime) -> Request:
    """Create the open request, its audit row and its notice, inside the caller's transaction."""
    view = digest_of(canonical_bytes(_seen(opening)))
    seconds = opening.deadline_s or (HIGH_DEADLINE_S if opening.cls == RequestClass.HIGH else DEFAULT_DEADLINE_S)
    team = Team.objects.filter(pk=opening.team_id).first() if opening.team_id else None
    hours = hours_for(opening.kind, team)
    decide_by = add_working_seconds(now, seconds, hours) if _expires(opening.kind) else None
    request = Request.objects.create(
        **{name: getattr(opening, name) for name in _COPIED},
        alike=alike_key(opening),
        barred=sorted(set(opening.barred)),
        # Without an action the card itself is what is signed.
        action_digest=opening.action_digest or view,
        view_digest=view,
        created_at=now,
        decide_by=decide_by,
        **reminder_columns(now, decide_by, hours),
        **columns_at_opening(opening.kind, opening.priority, opening.team_id, now, decide_by),
    )
    record(
        actor=actor,
        verb="request.opened",
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        to_state=request.state,
        digest=request.action_digest,
        kind=request.kind,
        view_digest=view,
        rule=dict(opening.rule),
        votes=request.votes_needed,
    )
    tell(
        kind=f"request.{opening.kind}",
        title=opening.title,
        link=f"/inbox/{request.pk}/",
        subject=opening.subject,
        run_id=opening.run_id,
        request_id=request.pk,
        team=team,
    )
    return request


def is_as_proposed(request: Request) -> bool:
    """Return whether a proposal's rows still say what its digest, which people sign, was made of."""
    return _view_of(request, "") == request.action_digest


def is_as_shown(request: Request) -> bool:
    """Return whether the card and the terms still are what was opened: what the view digest was made of."""
    bound = request.action_digest if request.action_id else ""
    return not request.view_digest or _view_of(request, bound) == request.view_digest


def _view_of(request: Request, bound: str) -> str:
    seen = {"title": request.title, "card": request.card, "action": bound, "terms": _terms(request)}
    return digest_of(canonical_bytes(exact(seen | ({"proposal": request.proposal} if request.proposal else {}))))


def _seen(opening: Opening) -> dict[str, Any]:
    """What a vote on this request is a vote on, besides the action's own bytes: all that the card shows of it."""
    seen = {"title": opening.title, "card": opening.card, "action": opening.action_digest, "terms": _terms(opening)}
    whole: dict[str, Any] = exact(seen | ({"proposal": opening.proposal} if opening.proposal else {}))
    return whole


def _terms(said: Opening | Request) -> dict[str, Any]:
    """Under which conditions it is signed. They stand on the card beside its text, and never change while it waits."""
    values = {name: getattr(said, name) for name in _TERMS}
    return {name: str(value) if isinstance(value, str) else value for name, value in values.items()}


_TERMS = (
    "kind",
    "agent",
    "subject",
    "tool",
    "connection",
    "money_minor",
    "currency",
    "risk",
    "rule",
    "level",
    "cls",
    "approvers",
    "votes_needed",
)


_COPIED = (
    "kind",
    "title",
    "card",
    "team_id",
    "agent",
    "subject",
    "tool",
    "connection",
    "run_id",
    "action_id",
    "money_minor",
    "currency",
    "risk",
    "rule",
    "level",
    "cls",
    "approvers",
    "votes_needed",
    "priority",
    "reason_code",
    "proposal",
)


def _expires(kind: RequestKind) -> bool:
    """An unknown outcome or a hand-off stays until a person settles it; silence answers neither."""
    return kind not in (RequestKind.UNKNOWN_OUTCOME, RequestKind.HAND_OFF)
