"""Reviewer figures: how people decide, per person and per tool, from rows of the database.

Counted are people's own votes on approvals that nobody took back. By definition not counted: seeded controls, votes of
standing answers, and requests about tools that were only sampled afterwards (reviews). Regretted means that somebody
said later that it was wrong, or that its action was undone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Aggregate,
    Avg,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
)

from agents.models import Action
from approvals.labels import STANDING
from approvals.models import Decision, Label
from approvals.people import Signer
from approvals.permissions import visible_requests
from approvals.states import RequestKind, RequestState, Role, Vote

SPANS = (7, 30, 90)
TOO_FEW = 10
ROWS, LISTED = 200, 100
_UNDONE = ("compensating", "compensated")


class _Percentile(Aggregate):
    """A percentile of durations, by the database (continuous: interpolated between neighbours)."""

    function = "percentile_cont"
    template = "percentile_cont(%(level)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True, slots=True)
class Row:
    """How one person decided about one tool, or about all of them ("")."""

    person: str
    person_id: int
    tool: str
    decisions: int
    median: timedelta | None
    p90: timedelta | None
    looked_ms: float | None
    looked_at: int
    approved: int
    edited: int
    regretted: int
    by_channel: int

    @property
    def median_ms(self) -> float | None:
        return _ms(self.median)

    @property
    def p90_ms(self) -> float | None:
        return _ms(self.p90)

    @property
    def too_few(self) -> bool:
        return self.decisions < TOO_FEW

    def share(self, count: int) -> int:
        return round(100 * count / self.decisions) if self.decisions else 0

    @property
    def approve_rate(self) -> int:
        return self.share(self.approved)

    @property
    def edit_rate(self) -> int:
        return self.share(self.edited)

    @property
    def regret_rate(self) -> int:
        return self.share(self.regretted)


@dataclass(frozen=True, slots=True)
class Caught:
    """How many controls one person decided, and how many of them they caught."""

    person: str
    seen: int
    caught: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in one team now, and how long it has."""

    team: str
    waiting: int
    median: timedelta | None
    oldest: datetime | None

    @property
    def median_ms(self) -> float | None:
        return _ms(self.median)


def sees_others(who: Signer) -> bool:
    """Managers, admins and auditors see everybody in their scope; anybody else their own figures."""
    return bool(who.roles & {Role.MANAGER, Role.ADMIN, Role.AUDITOR})


def counted_votes(who: Signer, since: datetime) -> QuerySet[Decision]:
    """Return the votes that the figures are made of, as far as this person may see them."""
    votes = Decision.objects.filter(
        request__kind=RequestKind.APPROVAL, request__control=False, withdrawn_at__isnull=True, at__gte=since
    ).exclude(via=STANDING)
    votes = votes.exclude(request__state=RequestState.OPEN)
    return _in_scope(votes, who)


def rows_by_person(who: Signer, since: datetime) -> list[Row]:
    return _rows(counted_votes(who, since), ())


def rows_by_tool(who: Signer, since: datetime) -> list[Row]:
    return _rows(counted_votes(who, since), ("request__tool",))


def votes_behind(
    who: Signer, since: datetime, *, person: str = "", tool: str = "", only: str = ""
) -> Sequence[Decision]:
    """Return the newest votes that one figure is made of."""
    votes = counted_votes(who, since)
    votes = votes.filter(user__username=person) if person else votes
    votes = votes.filter(request__tool=tool) if tool else votes
    condition = _CONDITIONS.get(only)
    votes = votes.filter(condition) if condition is not None else votes
    votes = votes.filter(_regretted()) if only == "regretted" else votes
    return list(votes.select_related("user", "request").order_by("-at")[:LISTED])


def controls_caught(who: Signer, since: datetime) -> list[Caught]:
    votes = Decision.objects.filter(request__control=True, withdrawn_at__isnull=True, at__gte=since)
    rows = _in_scope(votes, who).values("user__username").order_by("user__username")
    told = rows.annotate(seen=Count("pk"), caught=Count("pk", filter=Q(vote=Vote.REJECT)))
    return [Caught(row["user__username"], row["seen"], row["caught"]) for row in told[:ROWS]]


def queues(who: Signer, now: datetime) -> list[Queue]:
    """Return what waits now per team. Controls wait for nobody."""
    waiting = visible_requests(who).filter(state=RequestState.OPEN, control=False)
    age = ExpressionWrapper(now - F("created_at"), output_field=DurationField())
    rows = waiting.values("team__name").annotate(
        waiting=Count("pk"), median=_Percentile(age, level=0.5), oldest=Min("created_at")
    )
    found = [Queue(row["team__name"] or "", row["waiting"], row["median"], row["oldest"]) for row in rows[:ROWS]]
    return sorted(found, key=lambda queue: queue.team)


def _in_scope(votes: QuerySet[Decision], who: Signer) -> QuerySet[Decision]:
    if not sees_others(who):
        return votes.filter(user=who.user)
    return votes if who.sees_all else votes.filter(request__team_id__in=who.team_ids)


def _regretted() -> Q:
    later = Label.objects.filter(request_id=OuterRef("request_id"), kind__in=("override", "regret"))
    undone = Action.objects.filter(pk=OuterRef("request__action_id"), state__in=_UNDONE)
    return Q(Exists(later)) | Q(Exists(undone))


_CONDITIONS = {
    "approved": Q(vote=Vote.APPROVE, edited=False),
    "edited": Q(edited=True),
    "channel": ~Q(via="browser"),
}


def _rows(votes: QuerySet[Decision], by: tuple[str, ...]) -> list[Row]:
    took = ExpressionWrapper(F("at") - F("request__created_at"), output_field=DurationField())
    told = (
        votes.values("user_id", "user__username", *by)
        .annotate(
            decisions=Count("pk"),
            median=_Percentile(took, level=0.5),
            p90=_Percentile(took, level=0.9),
            looked=Avg("looked_ms"),
            looked_at=Count("looked_ms"),
            approved=Count("pk", filter=_CONDITIONS["approved"]),
            edited=Count("pk", filter=_CONDITIONS["edited"]),
            by_channel=Count("pk", filter=_CONDITIONS["channel"]),
        )
        .order_by("-decisions", "user__username")[:ROWS]
    )
    wrong = {
        (row["user_id"], *(row[name] for name in by)): row["count"]
        for row in votes.filter(_regretted()).values("user_id", *by).annotate(count=Count("pk"))
    }
    return [_row(row, by, wrong) for row in told]


def _row(row: dict[str, Any], by: tuple[str, ...], wrong: dict[tuple[Any, ...], int]) -> Row:
    return Row(
        person=row["user__username"],
        person_id=row["user_id"],
        tool=row[by[0]] if by else "",
        decisions=row["decisions"],
        median=row["median"],
        p90=row["p90"],
        looked_ms=row["looked"],
        looked_at=row["looked_at"],
        approved=row["approved"],
        edited=row["edited"],
        regretted=wrong.get((row["user_id"], *(row[name] for name in by)), 0),
        by_channel=row["by_channel"],
    )


def _ms(span: timedelta | None) -> float | None:
    return span.total_seconds() * 1000 if span is not None else None
