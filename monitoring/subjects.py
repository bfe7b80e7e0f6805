"""Everything that agents did about one subject (a customer, an order, a ticket), as far as one person may see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, Count, F, IntegerField, Max, Q, QuerySet, Sum, Value, When

from agents.models import Action, Run
from agents.selectors import actions_visible_to, runs_visible_to
from agents.states import RUN_WAITING, ActionState
from approvals.models import Request
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.states import RequestState
from integrations.event_permissions import visible_events
from integrations.models import Event

PER_PAGE = 40
FOUND_AT_MOST = 50
_DONE = (ActionState.SUCCEEDED, ActionState.COMPENSATING, ActionState.COMPENSATED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. Exactly one of the four is set."""

    at: datetime
    run: Run | None = None
    action: Action | None = None
    request: Request | None = None
    event: Event | None = None

    @property
    def deciders(self) -> str:
        votes = [] if self.request is None else self.request.decisions.all()
        hidden = self.request is not None and self.request.state == RequestState.OPEN
        names = [vote.user.get_username() for vote in votes if vote.withdrawn_at is None]
        return "" if hidden else ", ".join(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Totals:
    runs: int
    actions: int
    events: int
    decided: int
    moved: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class SubjectPage:
    subject: str
    waiting: Sequence[Request]
    waiting_runs: Sequence[Run]
    totals: Totals
    entries: Sequence[Entry]
    page: Page[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the search."""

    subject: str
    runs: int
    last_at: datetime
    waits: int = 0


@dataclass(frozen=True)
class _Rows:
    """The rows about one subject that this person sees."""

    runs: QuerySet[Run]
    actions: QuerySet[Action]
    requests: QuerySet[Request]
    events: QuerySet[Event] = field(default_factory=Event.objects.none)


def find_subjects(user: Any, words: str) -> list[Found]:
    """Return the subjects that hold these words, those that begin with them first, then the newest."""
    runs = runs_visible_to(user).exclude(subject="")
    requests = visible_requests(signer(user)).exclude(subject="")
    if words:
        runs, requests = runs.filter(subject__icontains=words), requests.filter(subject__icontains=words)
    found = {row["subject"]: Found(row["subject"], row["n"], row["last"]) for row in _newest(runs, words)}
    for row in _newest(requests, words, waits=Count("pk", filter=Q(state=RequestState.OPEN))):
        known = found.get(row["subject"])
        last = max(known.last_at, row["last"]) if known else row["last"]
        found[row["subject"]] = Found(row["subject"], known.runs if known else 0, last, row["waits"])
    lower = words.lower()
    ranked = sorted(found.values(), key=lambda one: one.last_at, reverse=True)
    return sorted(ranked, key=lambda one: not one.subject.lower().startswith(lower))[:FOUND_AT_MOST]


def subject_page(user: Any, subject: str, page: str | None) -> SubjectPage | None:
    """Return everything about this subject, newest first; None when there is nothing that this person may see."""
    rows = _rows(user, subject)
    keys = Paginator(_keys(rows), PER_PAGE)
    if not keys.count:
        return None
    shown = keys.get_page(page)
    return SubjectPage(
        subject=subject,
        waiting=list(_waiting(rows)),
        waiting_runs=list(rows.runs.filter(state__in=RUN_WAITING).order_by("created_at")[:PER_PAGE]),
        totals=_totals(rows),
        entries=_entries(rows, list(shown)),
        page=shown,
    )


def _rows(user: Any, subject: str) -> _Rows:
    who = signer(user)
    return _Rows(
        runs=runs_visible_to(user).filter(subject=subject),
        actions=actions_visible_to(user).filter(run__subject=subject).exclude(state=ActionState.SUPERSEDED),
        requests=visible_requests(who).filter(subject=subject),
        events=visible_events(who).filter(subject=subject),
    )


def _newest(rows: QuerySet[Any], words: str, **more: Any) -> QuerySet[Any, dict[str, Any]]:
    first = Case(When(subject__istartswith=words, then=0), default=1, output_field=IntegerField())
    grouped = rows.select_related(None).order_by().values("subject")
    counted: QuerySet[Any, dict[str, Any]] = grouped.annotate(
        n=Count("pk"), last=Max("created_at"), first=first, **more
    )
    return counted.order_by("first", "-last")[:FOUND_AT_MOST]


def _keys(rows: _Rows) -> QuerySet[Any, Any]:
    """Return (at, kind, id) of all rows of all four tables, newest first, so that one page can be cut out of them."""
    runs, actions = _key(rows.runs, "run", "created_at"), _key(rows.actions, "action", "created_at")
    requests, events = _key(rows.requests, "request", "created_at"), _key(rows.events, "event", "received_at")
    keys: QuerySet[Any, Any] = runs.union(actions, requests, events, all=True)
    return keys.order_by("-when", "-row_id")


def _key(rows: QuerySet[Any], kind: str, at: str) -> QuerySet[Any, Any]:
    bare: QuerySet[Any, Any] = rows.select_related(None).order_by()
    named: QuerySet[Any, Any] = bare.annotate(when=F(at), what=Value(kind, output_field=CharField()), row_id=F("pk"))
    return named.values_list("when", "what", "row_id")


def _entries(rows: _Rows, keys: Sequence[tuple[datetime, str, UUID]]) -> list[Entry]:
    wanted: Mapping[str, list[UUID]] = {
        kind: [key for _, what, key in keys if what == kind] for kind in ("run", "action", "request", "event")
    }
    requests = rows.requests.filter(pk__in=wanted["request"]).defer("card", "proposal")
    known: Mapping[str, Mapping[UUID, Any]] = {
        "run": rows.runs.in_bulk(wanted["run"]),
        "action": rows.actions.in_bulk(wanted["action"]),
        "request": requests.prefetch_related("decisions__user").in_bulk(wanted["request"]),
        "event": rows.events.defer("body", "corrected").select_related("source").in_bulk(wanted["event"]),
    }
    return [Entry(at, **{what: known[what][key]}) for at, what, key in keys if key in known[what]]


def _waiting(rows: _Rows) -> QuerySet[Request]:
    waits = rows.requests.filter(state=RequestState.OPEN).defer("card", "proposal").select_related("team", "assignee")
    return waits.order_by(F("decide_by").asc(nulls_last=True), "created_at")[:PER_PAGE]


def _totals(rows: _Rows) -> Totals:
    acted = rows.actions.exclude(effect="read").filter(state__in=_DONE)
    moved = acted.filter(money_minor__isnull=False).order_by().values("currency").annotate(sum=Sum("money_minor"))
    return Totals(
        runs=rows.runs.count(),
        actions=acted.count(),
        events=rows.events.count(),
        decided=rows.requests.exclude(state__in=(RequestState.OPEN, RequestState.WITHDRAWN)).count(),
        moved=sorted((row["currency"], row["sum"]) for row in moved),
    )
