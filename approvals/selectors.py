"""Questions about requests. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from approvals.models import AuditEvent, Decision, Notice, Request
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.states import RequestKind, RequestState


def settled_requests(user: Any) -> QuerySet[Request]:
    """Return settled requests this person may see, newest first."""
    return (
        visible_requests(signer(user))
        .exclude(state=RequestState.OPEN)
        .select_related("team")
        .order_by("-settled_at", "-pk")
    )


def request_for(user: Any, request_id: UUID) -> Request | None:
    return visible_requests(signer(user)).filter(pk=request_id).select_related("team", "assignee", "held_by").first()


def decisions_of(request: Request) -> Sequence[Decision]:
    """Return the votes in order, also those taken back."""
    return list(request.decisions.select_related("user").order_by("at"))


def settlements_of(action_ids: Sequence[UUID]) -> dict[UUID, Request]:
    """Return the approval request of each action that has one."""
    rows = Request.objects.filter(action_id__in=action_ids, kind=RequestKind.APPROVAL).prefetch_related(
        "decisions__user"
    )
    return {row.action_id: row for row in rows if row.action_id}


def audit_of_run(run_id: UUID) -> Sequence[AuditEvent]:
    return list(AuditEvent.objects.filter(run_id=run_id).order_by("seq"))


def notices_for(user: Any) -> QuerySet[Notice]:
    """Return what this person was told, newest first: their own, their teams' and everybody's."""
    who = signer(user)
    rows = Notice.objects.order_by("-created_at", "-pk")
    if who.sees_all:
        return rows.filter(user__isnull=True) | rows.filter(user=user)
    return (
        rows.filter(user=user)
        | rows.filter(user__isnull=True, team__isnull=True)
        | rows.filter(team_id__in=who.team_ids)
    )


def requests_of_run(run_id: UUID) -> Sequence[Request]:
    return list(Request.objects.filter(run_id=run_id).defer("card").order_by("created_at"))


def request_of_action(action_id: UUID) -> Request | None:
    """Return the approval request of this action, or None when it needed none."""
    return Request.objects.filter(action_id=action_id, kind=RequestKind.APPROVAL).first()


@dataclass(frozen=True, slots=True)
class Answer:
    """How a question or hand-off was settled."""

    request_id: UUID
    kind: str
    state: str
    by: str
    text: str

    @property
    def answered(self) -> bool:
        return self.state == RequestState.ANSWERED


def answers_of_run(run_id: UUID) -> list[Answer]:
    """Return the settled questions and hand-offs of a run, oldest first."""
    rows = (
        Request.objects.filter(run_id=run_id, kind__in=(RequestKind.QUESTION, RequestKind.HAND_OFF))
        .exclude(state=RequestState.OPEN)
        .order_by("settled_at")
        .prefetch_related("decisions__user")
    )
    return [
        Answer(row.pk, row.kind, row.state, _by(row), row.answer) for row in rows if row.state != RequestState.WITHDRAWN
    ]


def _by(request: Request) -> str:
    voters = [decision.user.get_username() for decision in request.decisions.all() if not decision.withdrawn_at]
    return voters[-1] if voters else "nobody"
