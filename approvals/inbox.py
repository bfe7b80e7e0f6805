"""The list pane: which requests one person sees, in which tab, in which order. The database sorts, cuts and counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet

from approvals import waiting
from approvals.alike_groups import Group, groups_in
from approvals.database_clock import database_now
from approvals.inbox_wanted import Wanted, narrowed
from approvals.models import Decision, Request, Snooze, Team
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.selectors import settled_requests
from approvals.states import RequestState, Vote
from approvals.waiting import COUNT_UP_TO, by_pressure, counted

SHOWN_AT_ONCE = 100
SETTLED_PER_PAGE = 50
_OPEN = {"mine": waiting.mine, "others": waiting.others, "snoozed": waiting.snoozed}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list: a request, or several alike ones. `by` and `said` are filled once it is settled."""

    request: Request
    votes: int = 0
    by: str = ""
    said: str = ""
    group: Group | None = None
    back_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.request.state == RequestState.OPEN

    @property
    def place(self) -> str:
        """What opens in the card pane: a request's id, or "alike-" and the key of a group."""
        return f"alike-{self.group.key}" if self.group else str(self.request.pk)

    @property
    def count(self) -> int:
        return self.group.count if self.group else 1


@dataclass(frozen=True, slots=True)
class Counts:
    """How many wait for this person, for others, and how many the person put off; each up to COUNT_UP_TO."""

    mine: int
    others: int
    snoozed: int

    def of(self, tab: str) -> int:
        return {"mine": self.mine, "others": self.others, "snoozed": self.snoozed}.get(tab, 0)


@dataclass(frozen=True, slots=True)
class InboxList:
    wanted: Wanted
    rows: Sequence[Row]
    counts: Counts
    hidden: int = 0
    unshown: int = 0
    agents: Sequence[str] = ()
    teams: Sequence[str] = ()
    since: datetime | None = None
    page: Page[Request] | None = None

    @property
    def mine(self) -> int:
        return self.counts.mine

    @property
    def others(self) -> int:
        return self.counts.others


def inbox_list(user: Any, wanted: Wanted) -> InboxList:
    """The list as this person asked for it, with the counts of the open tabs."""
    # Read before the rows: what opens between the two is announced, and not lost.
    since, counts = database_now(), counts_of(user)
    if wanted.tab == "settled":
        return _settled(user, wanted, counts)
    found = listed(user, wanted)
    rows = _rows(user, found, wanted)
    fitting = counted(found) if wanted.narrowed else counts.of(wanted.tab)
    before = SHOWN_AT_ONCE * (wanted.page - 1)
    return InboxList(
        wanted=wanted,
        rows=rows,
        counts=counts,
        hidden=counts.of(wanted.tab) - fitting,
        unshown=max(0, fitting - before - sum(row.count for row in rows)),
        agents=_agents(rows, wanted),
        teams=_teams(user),
        since=since,
    )


def listed(user: Any, wanted: Wanted) -> QuerySet[Request]:
    """Return the open requests of this list, unordered and uncut."""
    return narrowed(_OPEN.get(wanted.tab, waiting.mine)(user), wanted, user)


def first_of(user: Any, wanted: Wanted) -> str:
    """Return the place of the list's first row; "" when it is empty."""
    found = listed(user, wanted)
    rows = _rows(user, found, wanted, at_most=1) if wanted.tab != "settled" else []
    return rows[0].place if rows else ""


def counts_of(user: Any) -> Counts:
    """Count anew; the badge of the same answer shows the same number."""
    decides = signer(user).decides
    user._waits = mine = counted(waiting.mine(user)) if decides else 0
    put_off = counted(waiting.snoozed(user)) if decides else 0
    seen = counted(waiting.open_requests(user))
    # Who settles and who does not are all there are, so only a very full inbox is counted twice.
    rest = seen - mine - put_off if seen < COUNT_UP_TO else counted(waiting.others(user))
    return Counts(mine=mine, others=rest, snoozed=put_off)


def _rows(user: Any, found: QuerySet[Request], wanted: Wanted, at_most: int = SHOWN_AT_ONCE) -> list[Row]:
    """Return one page of rows: groups stand where the first of them would."""
    grouped = groups_in(found, at_most) if wanted.alike and wanted.page == 1 else []
    alone = found.exclude(alike__in=[group.key for group in grouped]) if grouped else found
    start = SHOWN_AT_ONCE * (wanted.page - 1)
    ordered = by_pressure(alone).defer("card", "proposal").select_related("assignee", "held_by")
    singles = list(ordered[start : start + at_most])
    rows = [
        *_open_rows(singles, user if wanted.tab == "snoozed" else None),
        *(Row(group.first, group=group) for group in grouped),
    ]
    return sorted(rows, key=_pressing)[:at_most] if grouped else rows


def _pressing(row: Row) -> tuple[bool, datetime, str, datetime, str]:
    request = row.request
    due = request.decide_by or request.due_at
    return due is None, due or request.created_at, request.cls, request.created_at, str(request.pk)


def _open_rows(requests: Sequence[Request], snoozer: Any = None) -> list[Row]:
    several = [row.pk for row in requests if row.votes_needed > 1]
    votes = Decision.objects.filter(request_id__in=several, vote=Vote.APPROVE, withdrawn_at__isnull=True)
    counts = dict(votes.values_list("request_id").annotate(Count("pk"))) if several else {}
    back = _back(requests, snoozer) if snoozer else {}
    return [Row(row, votes=counts.get(row.pk, 0), back_at=back.get(row.pk)) for row in requests]


def _back(requests: Sequence[Request], snoozer: Any) -> dict[UUID, datetime]:
    rows = Snooze.objects.filter(user=snoozer, request__in=[row.pk for row in requests])
    return dict(rows.values_list("request_id", "until"))


def _agents(rows: Sequence[Row], wanted: Wanted) -> list[str]:
    """Return the agents to choose from: those whose requests stand here."""
    return sorted({row.request.agent for row in rows if row.request.agent} | {wanted.agent} - {""})


def _teams(user: Any) -> list[str]:
    who = signer(user)
    rows = Team.objects.all() if who.sees_all else Team.objects.filter(pk__in=who.team_ids)
    return list(rows.order_by("name").values_list("name", flat=True))


def _settled(user: Any, wanted: Wanted, counts: Counts) -> InboxList:
    rows = narrowed(settled_requests(user), wanted, user)
    page = Paginator(rows, SETTLED_PER_PAGE).get_page(wanted.page)
    return InboxList(wanted=wanted, rows=settled_rows(list(page)), counts=counts, teams=_teams(user), page=page)


def settled_rows(requests: Sequence[Request]) -> list[Row]:
    decisions = Decision.objects.filter(request__in=[row.pk for row in requests], withdrawn_at__isnull=True)
    last = {vote.request_id: vote for vote in decisions.select_related("user").order_by("at")}
    return [Row(row, by=_who(last.get(row.pk)), said=_said(last.get(row.pk))) for row in requests]


def lately_settled(user: Any, since: datetime) -> list[Request]:
    """Return what was settled since then, newest first, as much as a list can show."""
    recent = visible_requests(signer(user)).exclude(state=RequestState.OPEN).filter(settled_at__gt=since)
    return list(recent.defer("card", "proposal").order_by("-settled_at")[:SHOWN_AT_ONCE])


def _who(decision: Decision | None) -> str:
    return decision.user.get_username() if decision else ""


def _said(decision: Decision | None) -> str:
    return decision.comment if decision else ""
