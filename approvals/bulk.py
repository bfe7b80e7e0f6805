"""Several requests decided with one gesture: each by its own digest, in its own transaction, with its own outcome."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from approvals.alike import apart
from approvals.alike_groups import BULK_AT_ONCE
from approvals.arguments import Shown
from approvals.errors import AlreadySettled, ApprovalError, NotFound, RequestChanged, WrongVote
from approvals.models import Request
from approvals.ports import actions
from approvals.reviewing import shown_of
from approvals.selectors import request_for
from approvals.services import decide_request, undo_decision
from approvals.states import RequestState, Vote

log = logging.getLogger(__name__)


class Became(StrEnum):
    DONE = "done"
    CHANGED = "changed"
    SETTLED = "settled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item. `message` is for people; `by` and `at` say who was first when somebody was."""

    request_id: UUID
    became: Became
    message: str
    request: Request | None = None
    by: str = ""
    said: str = ""

    @property
    def done(self) -> bool:
        return self.became == Became.DONE


def decide_together(
    *,
    user: Any,
    items: Sequence[tuple[UUID, str]],
    vote: str,
    comment: str = "",
    reason_code: str = "",
    via: str = "browser",
) -> list[Outcome]:
    """Cast this person's vote on each item whose digest is still the one that stood on the screen.

    items: request id and action digest as shown; only alike requests of class normal, at most BULK_AT_ONCE.
    Each item is a transaction of its own, asked of `objection` by itself, so one that fails stops no other.
    Raises WrongVote when the whole of it cannot be meant.
    """
    if vote not in (Vote.APPROVE, Vote.REJECT):
        raise WrongVote("Several requests are approved or rejected together, nothing else.")
    if vote == Vote.REJECT and not comment.strip():
        raise WrongVote("Say why: the agents read it. Choose a reason or write one.")
    if not items or len(items) > BULK_AT_ONCE:
        raise WrongVote(f"Between 1 and {BULK_AT_ONCE} requests are decided together.")
    ballot: dict[str, Any] = {"vote": vote, "comment": comment, "reason_code": reason_code, "via": via}
    return [_one(user, request_id, digest, ballot) for request_id, digest in dict(items).items()]


def undo_together(*, user: Any, request_ids: Sequence[UUID]) -> list[Outcome]:
    """Take back this person's approvals among these, each while it can be."""
    return [_undone(user, request_id) for request_id in dict.fromkeys(request_ids[:BULK_AT_ONCE])]


def summary(outcomes: Sequence[Outcome], done: str) -> str:
    """Return the report in one sentence: "5 approved, 1 changed meanwhile, 1 already rejected by anna at 09:51."."""
    parts = Counter(_part(outcome, done) for outcome in outcomes)
    return ", ".join(f"{count} {part}" for part, count in parts.items()) + "."


def _part(outcome: Outcome, done: str) -> str:
    if outcome.done:
        return done
    if outcome.became == Became.SETTLED and outcome.request is not None:
        by = f" by {outcome.by}" if outcome.by else ""
        at = f" at {outcome.request.settled_at:%H:%M} UTC" if outcome.request.settled_at else ""
        return f"already {outcome.request.state}{by}{at}"
    return {Became.CHANGED: "changed meanwhile"}.get(outcome.became, "not counted")


def _one(user: Any, request_id: UUID, digest: str, ballot: dict[str, Any]) -> Outcome:
    request = request_for(user, request_id)
    try:
        if request is None:
            raise NotFound("There is no such request, or it belongs to a team you are not in.")
        _check_may_stand_together(request)
        settlement = decide_request(request_id=request_id, user=user, digest=digest, **ballot)
        return Outcome(request_id, Became.DONE, settlement.message, settlement.request)
    except ApprovalError as refusal:
        return _refused(user, request_id, refusal)
    except Exception:
        # One item that breaks must neither hide what became of the others nor stop them.
        log.exception("request %s could not be decided together with others", request_id)
        return Outcome(
            request_id, Became.REFUSED, "This could not be decided; nothing ran. Open it by itself.", request
        )


def _check_may_stand_together(request: Request) -> None:
    """Raise WrongVote for what is decided alone. What is settled already is left to say so itself."""
    if request.state != RequestState.OPEN:
        return
    shown, tampered = _shown(request)
    sentence = apart(request, shown, tampered=tampered)
    if sentence:
        raise WrongVote(f"Decide this one by itself. {sentence}")


def _shown(request: Request) -> tuple[Sequence[Shown], bool]:
    stored = actions().read([request.action_id]) if request.action_id else {}
    return shown_of(request, stored.get(request.action_id) if request.action_id else None)


def _refused(user: Any, request_id: UUID, refusal: ApprovalError) -> Outcome:
    now = request_for(user, request_id)
    became = (
        Became.SETTLED
        if isinstance(refusal, AlreadySettled)
        else Became.CHANGED
        if isinstance(refusal, RequestChanged)
        else Became.REFUSED
    )
    said = now.decisions.filter(withdrawn_at__isnull=True).order_by("-at").first() if now else None
    return Outcome(
        request_id,
        became,
        refusal.message,
        now,
        by=str(refusal.extra.get("by") or ""),
        said=said.comment if said and became == Became.SETTLED else "",
    )


def _undone(user: Any, request_id: UUID) -> Outcome:
    try:
        request = undo_decision(request_id=request_id, user=user)
        return Outcome(request_id, Became.DONE, "Taken back: nothing ran. It waits again.", request)
    except ApprovalError as refusal:
        return _refused(user, request_id, refusal)
