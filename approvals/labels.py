"""Every judgement of a person as a labelled case, written in the transaction of the judgement.

A later correction is a row of its own: what was decided stays what was decided. Seeded controls and standing answers
are no judgement of a case, so nothing is labelled for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from approvals.audit import Actor, record
from approvals.errors import AlreadySettled, NotAllowed, NotFound, WrongVote
from approvals.models import Decision, Label, Request
from approvals.people import Signer, signer
from approvals.permissions import visible_requests
from approvals.ports import PastAction, actions
from approvals.reason_codes import REASON_CODES
from approvals.states import RequestKind, RequestState, Vote

STANDING = "standing"
_KIND_OF = {
    Vote.APPROVE: "approve",
    Vote.REJECT: "reject",
    Vote.HAPPENED: "outcome",
    Vote.DID_NOT_HAPPEN: "outcome",
}
_LABELLED = (RequestKind.APPROVAL, RequestKind.REVIEW, RequestKind.UNKNOWN_OUTCOME)
_CORRECTED_AS = {RequestState.APPROVED: "regret", RequestState.REJECTED: "override"}
# An action that policy let pass and that has happened: a person may still say that it should not have.
RAN_ALONE = ("succeeded", "failed", "unknown", "compensating", "compensated")


@dataclass(frozen=True, slots=True)
class _Case:
    """What is judged: a request, or an action that nobody was asked about."""

    kind: str
    was: str
    request: Request | None
    action: PastAction | None = None


def label_vote(request: Request, decision: Decision) -> None:
    """Note one vote. An edit is noted by label_edit, once, with its difference."""
    if request.kind not in _LABELLED or request.control or decision.edited or decision.via == STANDING:
        return
    _of_request(request, _KIND_OF[Vote(decision.vote)], decision).save(force_insert=True)


def label_edit(request: Request, user: Any, *, difference: Sequence[Any], comment: str, via: str) -> None:
    """Note that a person changed the arguments of what an agent proposed; `request` is the one they changed."""
    label = _of_request(request, "edit")
    label.by, label.difference, label.comment, label.via = user, list(difference), comment.strip(), via
    label.save(force_insert=True)


def label_expiry(request: Request) -> None:
    """Note that nobody judged it in time: by nobody, and no judgement."""
    if request.kind in _LABELLED and not request.control:
        _of_request(request, "expired").save(force_insert=True)


def correct(*, user: Any, reason_code: str, comment: str = "", request_id: Any = None, action_id: Any = None) -> Label:
    """Say later that a decision was wrong, or that what ran alone should not have. Changes nothing that was done.

    Raises NotFound, NotAllowed, WrongVote, AlreadySettled (this person said so before).
    """
    who = signer(user)
    with transaction.atomic():
        case = _case(who, request_id, action_id)
        refusal = refusal_to_correct(who)
        if refusal:
            raise NotAllowed(refusal)
        _check_words(reason_code, comment)
        label = _label_of(case)
        label.by, label.reason_code, label.comment, label.via = user, reason_code, comment.strip()[:4000], "browser"
        try:
            with transaction.atomic():
                label.save(force_insert=True)
        except IntegrityError:
            raise AlreadySettled("You have said so before; it is counted once.") from None
        _record(case, label, user)
    return label


def refusal_to_correct(who: Signer) -> str:
    return "" if who.decides else "Operators and admins say that a decision was wrong."


def visible_labels(who: Signer) -> QuerySet[Label]:
    """Return the labels this person may read: their teams', or all. A vote that was taken back is none.

    Nor is one on which others still vote: who approved stays hidden until all are in.
    """
    rows = Label.objects.filter(Q(decision=None) | Q(decision__withdrawn_at__isnull=True))
    rows = rows.exclude(kind="approve", request__state=RequestState.OPEN, request__votes_needed__gt=1)
    if who.sees_all:
        return rows
    seen = visible_requests(who).values("pk")
    return rows.filter(Q(request__in=seen) | Q(request=None, team_id__in=who.team_ids))


def corrections_of(request: Request) -> QuerySet[Label]:
    """Return what people said later about this decision, the oldest first."""
    return Label.objects.filter(request=request, kind__in=("override", "regret")).select_related("by").order_by("at")


def may_be_corrected(request: Request) -> bool:
    return request.kind == RequestKind.APPROVAL and not request.control and request.state in _CORRECTED_AS


def _of_request(request: Request, kind: str, decision: Decision | None = None) -> Label:
    version = str(request.card.get("version", ""))
    return Label(
        kind=kind,
        request=request,
        decision=decision,
        action_id=request.action_id,
        team_id=request.team_id,
        agent=request.agent,
        agent_version=int(version) if version.isdecimal() else None,
        tool=request.tool,
        alike=request.alike,
        reason_code=decision.reason_code if decision else "",
        comment=decision.comment if decision else "",
        action_digest=request.action_digest,
        by=decision.user if decision else None,
        via=decision.via if decision else "",
    )


def _case(who: Signer, request_id: Any, action_id: Any) -> _Case:
    if request_id is None:
        return _case_of_action(who, action_id)
    request = visible_requests(who).filter(pk=request_id).first()
    if request is None:
        raise NotFound("There is no such request, or it belongs to a team you are not in.")
    if not may_be_corrected(request):
        raise WrongVote("Only an approval or a rejection can be called wrong afterwards.")
    return _Case(_CORRECTED_AS[RequestState(request.state)], request.state, request)


def _case_of_action(who: Signer, action_id: UUID) -> _Case:
    asked = visible_requests(who).filter(action_id=action_id, kind=RequestKind.APPROVAL).first()
    if asked is not None:
        return _case(who, asked.pk, None)
    action = actions().past_action(action_id)
    if action is None or not (who.sees_all or action.team_id in who.team_ids):
        raise NotFound("There is no such action, or it belongs to a team you are not in.")
    if action.state not in RAN_ALONE:
        raise WrongVote(f"This is {action.state}: nothing was done that could be called wrong.")
    return _Case("override", action.state, None, action)


def _check_words(reason_code: str, comment: str) -> None:
    if reason_code not in REASON_CODES:
        raise WrongVote("Choose why it was wrong.")
    if reason_code == "other" and not comment.strip():
        raise WrongVote("Write why it was wrong.")


def _label_of(case: _Case) -> Label:
    if case.request is not None:
        return _of_request(case.request, case.kind)
    action = case.action
    assert action is not None  # noqa: S101 - one of the two is always set
    return Label(kind=case.kind, action_id=action.id, team_id=action.team_id, agent=action.agent, tool=action.tool)


def _record(case: _Case, label: Label, user: Any) -> None:
    about: Mapping[str, Any] = (
        {"subject_type": "request", "subject_id": case.request.pk, "subject": case.request.subject}
        if case.request
        else {"subject_type": "action", "subject_id": label.action_id}
    )
    run_id = case.request.run_id if case.request else case.action.run_id if case.action else None
    record(
        actor=Actor.person(user),
        verb=f"decision.{label.kind}",
        run_id=run_id,
        agent=label.agent,
        digest=label.action_digest,
        was=case.was,
        reason_code=label.reason_code,
        comment=label.comment,
        **about,
    )
