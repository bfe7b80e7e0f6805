"""The list pane: which requests one person sees, in which tab, in which order; and what changed since they looked."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from approvals.database_clock import database_now
from approvals.models import Decision, Request
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.selectors import Waiting, settled_requests, waiting_for
from approvals.states import RequestKind, RequestState, Vote

TABS = ("mine", "others", "settled")
SHOWN_AT_ONCE = 200
SETTLED_PER_PAGE = 50
GREY_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked the list for."""

    tab: str = "mine"
    words: str = ""
    kind: str = ""
    agent: str = ""
    page: int = 1

    @property
    def narrowed(self) -> bool:
        return bool(self.words or self.kind or self.agent)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. `by` and `said` are filled once it is settled."""

    request: Request
    votes: int = 0
    by: str = ""
    said: str = ""

    @property
    def is_open(self) -> bool:
        return self.request.state == RequestState.OPEN


@dataclass(frozen=True, slots=True)
class InboxList:
    wanted: Wanted
    rows: Sequence[Row]
    mine: int
    others: int
    hidden: int
    unshown: int
    agents: Sequence[str]
    version: str
    page: Page[Request] | None = None

    def after(self, request_id: UUID | None) -> Row | None:
        """The row to go to when this one is done: the next, else the first other."""
        ids = [row.request.pk for row in self.rows]
        start = ids.index(request_id) + 1 if request_id in ids else 0
        rest = [*self.rows[start:], *self.rows[:start]]
        return next((row for row in rest if row.request.pk != request_id and row.is_open), None)


def wanted_from(params: Any) -> Wanted:
    """Read the list's parameters; anything unknown is left out."""
    tab = params.get("tab", "mine")
    kind = params.get("kind", "")
    page = params.get("page", "1")
    return Wanted(
        tab=tab if tab in TABS else "mine",
        words=params.get("q", "").strip()[:200],
        kind=kind if kind in set(RequestKind) else "",
        agent=params.get("agent", "")[:80],
        page=int(page) if page.isdecimal() and len(page) < 6 else 1,
    )


def inbox_list(user: Any, wanted: Wanted) -> InboxList:
    """The list as this person asked for it, with the counts of the two open tabs."""
    waiting = waiting_for(user)
    if wanted.tab == "settled":
        return _settled(user, wanted, waiting)
    everything = waiting.mine if wanted.tab == "mine" else waiting.others
    found = [row for row in everything if _fits(row, wanted)]
    shown = found[:SHOWN_AT_ONCE]
    return InboxList(
        wanted=wanted,
        rows=_open_rows(shown),
        mine=len(waiting.mine),
        others=len(waiting.others),
        hidden=len(everything) - len(found),
        unshown=len(found) - len(shown),
        agents=_agents(everything),
        version=version_of(waiting, _lately_settled(user)),
    )


def version_of(waiting: Waiting, settled: Iterable[Request]) -> str:
    """A short text that differs whenever the list would."""
    parts = [f"{row.pk}" for row in (*waiting.mine, *waiting.others)]
    parts += [f"{row.pk}{row.state}" for row in settled]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a page that is open must learn: which requests wait for the person now, and which were settled just now."""

    version: str
    mine_ids: Sequence[UUID]
    mine: int
    others: int
    gone: Sequence[Row]


def changes_for(user: Any, wanted: Wanted) -> Changes:
    waiting = waiting_for(user)
    settled = _lately_settled(user)
    return Changes(
        version=version_of(waiting, settled),
        mine_ids=[row.pk for row in (waiting.others if wanted.tab == "others" else waiting.mine) if _fits(row, wanted)],
        mine=len(waiting.mine),
        others=len(waiting.others),
        gone=_settled_rows(settled),
    )


def decided_today(user: Any, since: datetime) -> int:
    return Decision.objects.filter(user=user, at__gte=since, withdrawn_at__isnull=True).count()


def _fits(request: Request, wanted: Wanted) -> bool:
    text = f"{request.title} {request.subject} {request.agent} {request.tool} {request.pk}".lower()
    return (
        (not wanted.kind or request.kind == wanted.kind)
        and (not wanted.agent or request.agent == wanted.agent)
        and all(word in text for word in wanted.words.lower().split())
    )


def _agents(rows: Iterable[Request]) -> list[str]:
    return sorted({row.agent for row in rows if row.agent})


def _open_rows(requests: Sequence[Request]) -> list[Row]:
    several = [row.pk for row in requests if row.votes_needed > 1]
    votes = Decision.objects.filter(request_id__in=several, vote=Vote.APPROVE, withdrawn_at__isnull=True)
    counts = dict(votes.values_list("request_id").annotate(Count("pk")))
    return [Row(row, votes=counts.get(row.pk, 0)) for row in requests]


def _settled(user: Any, wanted: Wanted, waiting: Waiting) -> InboxList:
    page = Paginator(_narrowed(settled_requests(user), wanted), SETTLED_PER_PAGE).get_page(wanted.page)
    return InboxList(
        wanted=wanted,
        rows=_settled_rows(list(page)),
        mine=len(waiting.mine),
        others=len(waiting.others),
        hidden=0,
        unshown=0,
        agents=(),
        version="",
        page=page,
    )


def _narrowed(rows: QuerySet[Request], wanted: Wanted) -> QuerySet[Request]:
    for word in wanted.words.split():
        rows = rows.filter(Q(title__icontains=word) | Q(subject__icontains=word) | Q(agent__icontains=word))
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    return rows.filter(agent=wanted.agent) if wanted.agent else rows


def _settled_rows(requests: Sequence[Request]) -> list[Row]:
    decisions = Decision.objects.filter(request__in=[row.pk for row in requests], withdrawn_at__isnull=True)
    last = {vote.request_id: vote for vote in decisions.select_related("user").order_by("at")}
    return [Row(row, by=_who(last.get(row.pk)), said=_said(last.get(row.pk))) for row in requests]


def _who(decision: Decision | None) -> str:
    return decision.user.get_username() if decision else ""


def _said(decision: Decision | None) -> str:
    return decision.comment if decision else ""


def _lately_settled(user: Any) -> list[Request]:
    recent = visible_requests(signer(user)).exclude(state=RequestState.OPEN)
    return list(recent.filter(settled_at__gt=database_now() - GREY_FOR).order_by("-settled_at")[:SHOWN_AT_ONCE])
