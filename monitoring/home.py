"""What the first page tells one person: what needs them, what runs, what is halted, how the installation is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agents.models import Action, Run
from agents.selectors import actions_visible_to, agents_visible_to, runs_visible_to
from agents.states import RUN_WAITING, ActionState, RunState
from approvals.inbox import Row, inbox_list
from approvals.inbox_wanted import Wanted
from approvals.models import AuditEvent, Halt, Request
from approvals.selectors import settled_requests
from monitoring.vitals import Vitals, read_vitals

SHOWN = 6
_NOW = {RunState.QUEUED, RunState.RUNNING, *RUN_WAITING}
_CHANGE_VERBS = ("policy.activated", "agent.published", "halt.engaged", "halt.released", "configuration.applied")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the system panel."""

    name: str
    good: bool
    words: str


@dataclass(frozen=True, slots=True)
class Home:
    rows: Sequence[Row]
    mine: int
    running: Sequence[Run]
    running_count: int
    runs_today: int
    settled: Sequence[Row]
    on_the_wire: Sequence[Action]
    would_pause: int
    last_halt: Halt | None
    checks: Sequence[Check]
    ended_well: int
    handed_off: int
    dead_letters: int
    changes: Sequence[AuditEvent]

    @property
    def troubles(self) -> int:
        return sum(1 for check in self.checks if not check.good)


def home_of(user: Any, now: datetime) -> Home:
    """Everything on the home page of this person."""
    waiting = inbox_list(user, Wanted())
    visible = runs_visible_to(user)
    running = visible.filter(state__in=_NOW).order_by("-created_at")
    since = now - timedelta(days=1)
    lately = visible.filter(ended_at__gte=since)
    return Home(
        rows=waiting.rows[:SHOWN],
        mine=waiting.mine,
        running=list(running[:SHOWN]),
        running_count=running.count(),
        runs_today=visible.filter(created_at__gte=now - timedelta(days=1)).count(),
        settled=_settled(user),
        on_the_wire=list(actions_visible_to(user).filter(state=ActionState.EXECUTING)[:SHOWN]),
        would_pause=visible.filter(state__in=(RunState.RUNNING, RunState.QUEUED)).count(),
        last_halt=Halt.objects.filter(released_at__isnull=False).order_by("-released_at").first(),
        checks=checks_of(read_vitals()),
        ended_well=lately.filter(state=RunState.COMPLETED).count(),
        handed_off=visible.filter(state=RunState.ESCALATED, ended_at__gte=since).count(),
        dead_letters=visible.filter(state=RunState.DEAD_LETTER).count(),
        changes=_changes(user, since),
    )


def checks_of(found: Vitals) -> list[Check]:
    """The installation's vital signs as lines for people."""
    overdue = any("due for" in sentence for sentence in found.troubles)
    return [
        Check("Database", True, "answers"),
        Check("Queue", found.queue, "answers" if found.queue else "away; workers look by themselves"),
        Check("Workers", _alive(found.worker_seen_s, found, "worker"), _seen(found.worker_seen_s)),
        Check("Clock", _alive(found.clock_seen_s, found, "clock"), _seen(found.clock_seen_s)),
        Check("Due runs", not overdue, _oldest(found.oldest_due_run_s)),
    ]


def _alive(seen_s: float | None, found: Vitals, role: str) -> bool:
    return seen_s is not None and not any(role in sentence for sentence in found.troubles)


def _seen(seen_s: float | None) -> str:
    return "none runs" if seen_s is None else f"seen {max(0, seen_s):.0f} s ago"


def _oldest(oldest_s: float | None) -> str:
    return "none waits" if oldest_s is None else f"oldest {max(0, oldest_s):.1f} s"


def _settled(user: Any) -> list[Row]:
    rows: list[Request] = list(settled_requests(user).prefetch_related("decisions__user")[:SHOWN])
    return [Row(row, by=_last_voter(row)) for row in rows]


def _last_voter(request: Request) -> str:
    votes = [vote for vote in request.decisions.all() if vote.withdrawn_at is None]
    return votes[-1].user.get_username() if votes else ""


def _changes(user: Any, since: datetime) -> list[AuditEvent]:
    """What others changed about policy, halts and the agents this person sees."""
    seen = [*agents_visible_to(user).values_list("name", flat=True), ""]
    rows = AuditEvent.objects.filter(at__gte=since, verb__in=_CHANGE_VERBS, agent__in=seen)
    return list(rows.exclude(actor=user.get_username()).order_by("-seq")[:SHOWN])
