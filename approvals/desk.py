"""The hand-off desk: which work this person's teams have, narrowed and counted, the soonest due first."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, QuerySet

from approvals.desk_terms import CODES, DESK_KINDS, Priority, Progress, Reason, family_of, progress_of
from approvals.models import Request, Team
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.states import RequestKind, RequestState

PER_PAGE = 50
WHOSE = ("mine", "unassigned")


@dataclass(frozen=True, slots=True)
class DeskWanted:
    """What the person asked the desk for; "" is all. status "": everything that is not done."""

    team: str = ""
    reason: str = ""
    priority: str = ""
    status: str = ""
    whose: str = ""
    words: str = ""
    overdue: bool = False

    @property
    def narrowed(self) -> bool:
        return any((self.team, self.reason, self.priority, self.status, self.whose, self.words, self.overdue))


@dataclass(frozen=True, slots=True)
class Work:
    """One line of the desk."""

    request: Request
    now: datetime

    @property
    def family(self) -> str:
        return family_of(self.request.reason_code, self.request.kind)

    @property
    def progress(self) -> str:
        row = self.request
        over = row.wait_until is not None and row.wait_until <= self.now
        kept = Progress.TAKEN if over and row.progress == Progress.WAITING else row.progress
        return progress_of(row.kind, row.state, kept)

    @property
    def is_open(self) -> bool:
        return self.request.state == RequestState.OPEN

    @property
    def overdue(self) -> bool:
        due = self.request.due_at
        return self.is_open and due is not None and due <= self.now


@dataclass(frozen=True, slots=True)
class DeskList:
    wanted: DeskWanted
    page: Page[Request]
    work: Sequence[Work]
    counts: Mapping[str, int]
    teams: Sequence[str]
    version: str


def wanted_from(params: Any) -> DeskWanted:
    """Read the desk's parameters; anything unknown is left out."""
    return DeskWanted(
        team=params.get("team", "")[:80],
        reason=_one_of(params.get("reason", ""), Reason),
        priority=_one_of(params.get("priority", ""), Priority),
        status=_one_of(params.get("status", ""), Progress),
        whose=_one_of(params.get("whose", ""), WHOSE),
        words=params.get("q", "").replace("\x00", "").strip()[:200],
        overdue=params.get("overdue", "") == "1",
    )


def desk_list(user: Any, wanted: DeskWanted, *, now: datetime, page: str | None = None) -> DeskList:
    """Everything on the desk's page for this person."""
    rows = desk_requests(user)
    found = Paginator(_narrowed(rows, wanted, user, now), PER_PAGE).get_page(page)
    counts = _counts(rows, user, now)
    work = [Work(row, now) for row in found]
    return DeskList(wanted, found, work, counts, _teams(user), _version(work, counts))


def desk_requests(user: Any) -> QuerySet[Request]:
    """Return all work of the teams this person sees, open and done."""
    return visible_requests(signer(user)).filter(kind__in=DESK_KINDS)


def in_family(family: Reason) -> Q:
    """Return the condition on requests whose reason belongs to this family (desk_terms.family_of as SQL)."""
    unknown = Q(kind=RequestKind.UNKNOWN_OUTCOME)
    bare_question = Q(kind=RequestKind.QUESTION, reason_code="")
    if family is Reason.UNKNOWN_OUTCOME:
        return unknown | Q(reason_code__in=CODES[family])
    if family is Reason.MISSING_DATA:
        return ~unknown & (Q(reason_code__in=CODES[family]) | bare_question)
    if family is Reason.EXCEPTION:
        named = {code for codes in CODES.values() for code in codes}
        return ~unknown & ~Q(reason_code__in=named) & ~bare_question
    return ~unknown & Q(reason_code__in=CODES[family])


def _narrowed(rows: QuerySet[Request], wanted: DeskWanted, user: Any, now: datetime) -> QuerySet[Request]:
    rows = rows.filter(_in_status(wanted.status, now), _whose(wanted.whose, user))
    if wanted.team:
        rows = rows.filter(team__name=wanted.team)
    if wanted.reason:
        rows = rows.filter(in_family(Reason(wanted.reason)))
    if wanted.priority:
        rows = rows.filter(priority=wanted.priority)
    if wanted.overdue:
        rows = rows.filter(_overdue(now))
    for word in wanted.words.split():
        rows = rows.filter(Q(title__icontains=word) | Q(subject__icontains=word) | Q(agent__icontains=word))
    soonest = (F("due_at").asc(nulls_last=True), "created_at", "pk")
    order = ("-settled_at", "-pk") if wanted.status == Progress.DONE else soonest
    return rows.defer("card", "proposal").select_related("team", "assignee").order_by(*order)


def _in_status(status: str, now: datetime) -> Q:
    waits = Q(progress=Progress.WAITING, wait_until__gt=now)
    open_ = Q(state=RequestState.OPEN)
    match status:
        case Progress.DONE:
            return ~open_
        case Progress.WAITING:
            return open_ & waits
        case Progress.TAKEN:
            return open_ & (Q(progress=Progress.TAKEN) | Q(progress=Progress.WAITING, wait_until__lte=now))
        case Progress.NEW:
            return open_ & Q(progress__in=("", Progress.NEW))
    return open_


def _whose(whose: str, user: Any) -> Q:
    return Q(assignee=user) if whose == "mine" else Q(assignee__isnull=True) if whose == "unassigned" else Q()


def _overdue(now: datetime) -> Q:
    return Q(state=RequestState.OPEN, due_at__lte=now)


def _counts(rows: QuerySet[Request], user: Any, now: datetime) -> Mapping[str, int]:
    """Return how much work there is of each kind, whatever the filter; one question to the database."""
    wanted: dict[str, Q] = {
        "all": Q(),
        "mine": _whose("mine", user),
        "unassigned": _whose("unassigned", user),
        "overdue": _overdue(now),
        **{status: _in_status(status, now) for status in (Progress.NEW, Progress.TAKEN, Progress.WAITING)},
        **{family: in_family(family) for family in Reason},
    }
    counts = {str(name): Count("pk", filter=condition) for name, condition in wanted.items()}
    return rows.filter(state=RequestState.OPEN).order_by().aggregate(**counts)


def _teams(user: Any) -> Sequence[str]:
    who = signer(user)
    teams = Team.objects.all() if who.sees_all else Team.objects.filter(pk__in=who.team_ids)
    return list(teams.order_by("name").values_list("name", flat=True))


def _version(work: Sequence[Work], counts: Mapping[str, int]) -> str:
    """Return what differs whenever the page would be drawn otherwise."""
    lines = [
        f"{one.request.pk}{one.progress}{one.request.priority}{one.request.assignee_id}{one.request.due_at}{one.overdue}"
        for one in work
    ]
    return hashlib.sha256("|".join([*lines, str(sorted(counts.items()))]).encode()).hexdigest()[:16]


def _one_of(value: str, known: Any) -> str:
    return value if value in set(known) else ""
