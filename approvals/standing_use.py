"""Answering identical cases by a standing answer: its author's vote, through the same door as any other."""

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.deciding import decide_request
from approvals.errors import ApprovalError
from approvals.halts import not_halted
from approvals.labels import STANDING
from approvals.models import Request, StandingAnswer
from approvals.people import fresh_signer
from approvals.permissions import own_objection
from approvals.policy.canonical import NotCanonical
from approvals.standing import in_force
from approvals.standing_case import case_of, same_of
from approvals.states import RequestKind, RequestState, Vote

log = logging.getLogger(__name__)
# How many waiting requests one look tries per standing answer.
AT_ONCE = 20


def answer_identical() -> bool:
    """Answer what waits and is identical to a case with a standing answer. Returns whether it answered anything.

    A no goes first: of two that contradict each other the stricter is used.
    """
    standing = StandingAnswer.objects.filter(in_force()).order_by("-vote", "created_at")
    return sum(_answer_for(pk) for pk in standing.values_list("pk", flat=True)) > 0


def _answer_for(standing_id: UUID) -> int:
    standing = StandingAnswer.objects.get(pk=standing_id)
    return sum(_answered(standing_id, pk) for pk in _candidates(standing).values_list("pk", flat=True)[:AT_ONCE])


def _candidates(standing: StandingAnswer) -> QuerySet[Request]:
    """Return what waits and looks the same. Whether it is the same, its bytes say. Under a halt nothing is answered."""
    rows = Request.objects.filter(
        not_halted(),
        kind=RequestKind.APPROVAL,
        state=RequestState.OPEN,
        tool=standing.tool,
        title=standing.title,
        team=standing.team,
        control=False,
        alike__gt="",
    )
    rows = rows.exclude(barred__contains=[standing.author_id])
    return (rows.filter(agent=standing.agent) if standing.agent else rows).order_by("-created_at")


def _answered(standing_id: UUID, request_id: UUID) -> bool:
    """Answer one; what cannot be answered waits for a person, and keeps nothing else from being answered."""
    try:
        with transaction.atomic():
            # Revoking takes the same lock: once it is revoked, nothing is answered by it.
            standing = StandingAnswer.objects.select_for_update().filter(in_force(), pk=standing_id).first()
            request = Request.objects.filter(not_halted(), pk=request_id, state=RequestState.OPEN).first()
            if standing is None or request is None or not _is_same(standing, request) or _contradicted(standing):
                return False
            return _vote(standing, request)
    except (ApprovalError, NotCanonical) as refusal:
        log.info("standing answer %s does not answer request %s: %s", standing_id, request_id, refusal)
        return False


def _is_same(standing: StandingAnswer, request: Request) -> bool:
    action = case_of(request)
    return action is not None and same_of(action) == standing.same


def _vote(standing: StandingAnswer, request: Request) -> bool:
    author = fresh_signer(standing.author_id)
    # With their own authority as it is now: what somebody lent them then is not lent to a standing answer.
    if author is None or own_objection(author, request):
        return False
    decide_request(
        request_id=request.pk,
        user=author.user,
        vote=Vote(standing.vote),
        digest=request.action_digest,
        comment=standing.reason,
        via=STANDING,
    )
    StandingAnswer.objects.filter(pk=standing.pk).update(uses=F("uses") + 1, used_at=database_now())
    record(
        actor=Actor(label="standing answer"),
        verb="standing.used",
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        digest=request.action_digest,
        standing=str(standing.pk),
        author=author.user.get_username(),
        vote=standing.vote,
    )
    return True


def _contradicted(standing: StandingAnswer) -> bool:
    """Return whether another standing answer says no to the very case this one says yes to."""
    no = StandingAnswer.objects.filter(in_force(), same=standing.same, team=standing.team, vote=Vote.REJECT)
    return standing.vote == Vote.APPROVE and no.exists()
