"""What people decided about the same tool before, and what came of it: context beside a card, never part of what is signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from approvals.models import Decision, Request
from approvals.policy.canonical import NotCanonical
from approvals.ports import actions
from approvals.states import RequestKind, RequestState

PERIOD_DAYS = 90
# How many of the newest are looked through, and how many of them stand on the card.
LOOKED_THROUGH, SHOWN = 200, 3
_COUNTED = (RequestState.APPROVED, RequestState.REJECTED, RequestState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier request: how it was settled, by whom, with which words, and what became of its action.

    outcome: ran, failed, unknown, undone; empty while nothing has come of it.
    """

    request: Request
    verdict: str
    by: str
    comment: str
    changes: Sequence[Sequence[str]]
    outcome: str
    looked_ms: int | None


@dataclass(frozen=True, slots=True)
class Similar:
    """The nearest of the newest, and how many of those went which way."""

    rows: Sequence[Past]
    approved: int
    edited: int
    rejected: int
    expired: int

    @property
    def total(self) -> int:
        return self.approved + self.edited + self.rejected + self.expired

    @property
    def sentence(self) -> str:
        """ "13 in 90 days: 12 approved, 1 edited"; "200 newest: …" where there were more than are looked through."""
        counts = [("approved", self.approved), ("edited", self.edited), ("rejected", self.rejected)]
        parts = [f"{count} {word}" for word, count in [*counts, ("expired", self.expired)] if count]
        scope = "newest" if self.total >= LOOKED_THROUGH else f"in {PERIOD_DAYS} days"
        return f"{self.total} {scope}: {', '.join(parts)}"


def similar_to(request: Request, *, now: datetime) -> Similar | None:
    """Return the settled requests of the same tool and team nearest to this one; None when there are none.

    Nearest: alike first, then about the same subject, then by money in the same currency, then the newest.
    """
    if request.kind != RequestKind.APPROVAL or not request.tool:
        return None
    window = _window(request, now)
    if not window:
        return None
    edited = _edited([row.pk for row in window])
    nearest = sorted(window, key=lambda row: _distance(request, row))[:SHOWN]
    return Similar(
        rows=_told(nearest, edited),
        approved=sum(row.state == RequestState.APPROVED and row.pk not in edited for row in window),
        edited=len(edited),
        rejected=sum(row.state == RequestState.REJECTED for row in window),
        expired=sum(row.state == RequestState.EXPIRED for row in window),
    )


def _window(request: Request, now: datetime) -> list[Request]:
    """The newest settled ones. The team is part of the question: another team's work is no business of this card's reader."""
    rows = Request.objects.filter(
        tool=request.tool,
        team=request.team,
        kind=RequestKind.APPROVAL,
        state__in=_COUNTED,
        settled_at__gt=now - timedelta(days=PERIOD_DAYS),
        control=False,
    )
    settled = rows.exclude(state=RequestState.OPEN).exclude(pk=request.pk)
    return list(settled.defer("card", "proposal", "rule", "barred").order_by("-settled_at")[:LOOKED_THROUGH])


def _edited(ids: Sequence[UUID]) -> set[UUID]:
    rows = Decision.objects.filter(request_id__in=ids, edited=True, withdrawn_at__isnull=True)
    return set(rows.values_list("request_id", flat=True))


def _distance(request: Request, row: Request) -> tuple[bool, bool, int, float]:
    apart = abs((request.money_minor or 0) - (row.money_minor or 0)) if row.currency == request.currency else 10**18
    newest = -row.settled_at.timestamp() if row.settled_at else 0.0
    return not request.alike or row.alike != request.alike, row.subject != request.subject, apart, newest


def _told(rows: Sequence[Request], edited: set[UUID]) -> list[Past]:
    ids = [row.pk for row in rows]
    votes: dict[UUID, list[Decision]] = {pk: [] for pk in ids}
    for vote in Decision.objects.filter(request_id__in=ids, withdrawn_at__isnull=True).select_related("user"):
        votes[vote.request_id].append(vote)
    cards = dict(Request.objects.filter(pk__in=edited.intersection(ids)).values_list("pk", "card__changes"))
    became = _outcomes([row.action_id for row in rows if row.action_id])
    return [_past(row, votes[row.pk], cards.get(row.pk), became.get(row.action_id or row.pk, "")) for row in rows]


def _past(row: Request, votes: Sequence[Decision], changes: Sequence[Sequence[str]] | None, outcome: str) -> Past:
    looked = [vote.looked_ms for vote in votes if vote.looked_ms is not None]
    return Past(
        request=row,
        verdict="edited" if changes is not None else row.state,
        by=", ".join(dict.fromkeys(vote.user.get_username() for vote in votes)),
        comment=next((vote.comment for vote in reversed(votes) if vote.comment), ""),
        changes=[change for change in changes or () if len(change) == 3],
        outcome=_OUTCOMES.get(outcome, "") if row.state == RequestState.APPROVED else "",
        looked_ms=max(looked, default=None),
    )


_OUTCOMES = {"succeeded": "ran", "failed": "failed", "unknown": "unknown", "compensating": "ran"}
_OUTCOMES |= {
    "compensated": "undone",
    "expired": "not run in time",
    "superseded": "overtaken",
    "cancelled": "called off",
}


def _outcomes(action_ids: Sequence[UUID]) -> dict[UUID, str]:
    try:
        return {pk: action.state for pk, action in actions().read(action_ids).items()}
    except NotCanonical:
        return {}  # one of them is no longer what was signed: its own card says so
