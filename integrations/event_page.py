"""What the pages of events show: the rows of the list, and one event with everything that came of it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from agents.guards.checks import manipulation_flag
from agents.guards.screening import screen
from agents.models import Run
from agents.selectors import runs_visible_to
from approvals.people import Signer
from config import bounded_json
from integrations.event_permissions import visible_events
from integrations.models import Event
from integrations.payloads import declares_json
from integrations.states import EventState

WINDOWS = {"day": "today", "week": "seven days", "all": "ever"}
VERDICTS = {
    "": "All",
    EventState.ACCEPTED.value: "Accepted",
    EventState.INVALID.value: "Invalid",
    EventState.IGNORED.value: "Ignored",
    EventState.RECEIVED.value: "Waiting",
    "duplicate": "Duplicate",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person filtered for; unknown words mean no filter."""

    verdict: str = ""
    source: str = ""
    words: str = ""
    window: str = "week"

    @classmethod
    def of(cls, query: Any) -> "Wanted":
        verdict, window = query.get("verdict", ""), query.get("when", "week")
        return cls(
            verdict=verdict if verdict in VERDICTS else "",
            source=query.get("source", "")[:80],
            words=query.get("q", "").strip()[:200].replace("\x00", ""),
            window=window if window in WINDOWS else "week",
        )

    @property
    def narrows(self) -> bool:
        return bool(self.verdict or self.source or self.words)


@dataclass(frozen=True, slots=True)
class RunLink:
    id: UUID
    number: int
    agent: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the list, with the runs that this person may see."""

    event: Event
    runs: tuple[RunLink, ...]

    @property
    def first_problems(self) -> list[dict[str, str]]:
        return list(self.event.problems[:3])

    @property
    def hidden_runs(self) -> int:
        return len(self.event.run_ids) - len(self.runs)


def events_found(who: Signer, wanted: Wanted) -> QuerySet[Event]:
    """Return the events that the filter lets through, newest first, without their bodies."""
    rows = _by_verdict(_all_but_verdict(who, wanted), wanted.verdict)
    return (
        rows.select_related("source", "given_by", "corrected_by")
        .defer("body", "corrected")
        .order_by("-received_at", "-pk")
    )


def verdict_counts(who: Signer, wanted: Wanted) -> dict[str, int]:
    """Return how many events each verdict has under the rest of the filter; one query."""
    found = _all_but_verdict(who, wanted).aggregate(
        **{state.value: Count("pk", filter=Q(state=state)) for state in EventState},
        duplicate=Count("pk", filter=Q(duplicates__gt=0)),
        all=Count("pk"),
    )
    return {"": found.pop("all"), **found}


def event_rows(user: User, events: Sequence[Event]) -> list[EventRow]:
    """Return the events with links to their runs; one query for all."""
    links = _links(user, [run_id for event in events for run_id in event.run_ids])
    return [EventRow(event, tuple(links[i] for i in event.run_ids if i in links)) for event in events]


def list_version(rows: Sequence[EventRow]) -> str:
    """Return a mark that changes when anything in these rows does."""
    said = [(str(row.event.pk), row.event.state, row.event.duplicates, len(row.event.run_ids)) for row in rows]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def body_text(body: bytes | memoryview | None) -> str:
    """Return a raw body as text for a screen; bytes that are no text are shown as what they are."""
    return bytes(body or b"").decode("utf-8", "backslashreplace")


def manipulation_flags(event: Event) -> list[dict[str, str]]:
    """Return what looks manipulated in what came in, read as the agent reads it where it is JSON."""
    text = body_text(event.corrected if event.corrected is not None else event.body)
    try:
        value = bounded_json.loads(text)
    except bounded_json.BadJson:
        value = text
    return [manipulation_flag(finding).shown() for finding in screen(value, "the event")]


def how_it_came(event: Event) -> str:
    """Return a few words about the raw body: its size and whether its sender's signature proved it."""
    size = f"{len(bytes(event.body)):,} bytes"
    if event.replay_of:
        return f"as it came the first time, {size}, run again by a person"
    if event.dedupe_key.startswith("api:") or (event.given_by and event.dedupe_key.startswith("own:")):
        return f"as given by a person or program, {size}, not signed"
    return f"as received, {size}, signature valid"


def first_draft(event: Event) -> str:
    """Return what the correction form starts with: the last correction, or the raw body set out line by line."""
    text = body_text(event.corrected if event.corrected is not None else event.body)
    if event.corrected is None and not declares_json(str(event.headers.get("content-type", "application/json"))):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    readable = json.dumps(value, indent=2, ensure_ascii=False)
    # A form field cannot mark hidden characters as the rest of the page does, so there they are written out.
    hides = not readable.replace("\n", "").isprintable()
    return json.dumps(value, indent=2) if hides else readable


def family_of(who: Signer, event: Event) -> list[Event]:
    """Return the events that were run again from this one, and the one it was run again from."""
    related = Q(replay_of=event.pk) | Q(pk=event.replay_of) if event.replay_of else Q(replay_of=event.pk)
    return list(visible_events(who).filter(related).defer("body", "corrected").order_by("received_at")[:20])


def _all_but_verdict(who: Signer, wanted: Wanted) -> QuerySet[Event]:
    rows = visible_events(who)
    since = _since(wanted.window, timezone.localtime())
    if since is not None:
        rows = rows.filter(received_at__gte=since)
    if wanted.source:
        rows = rows.filter(source__name=wanted.source)
    return _by_words(rows, wanted.words)


def _by_words(rows: QuerySet[Event], words: str) -> QuerySet[Event]:
    if not words:
        return rows
    try:
        return rows.filter(pk=UUID(words))
    except ValueError:
        return rows.filter(Q(subject__icontains=words) | Q(kind__icontains=words) | Q(dedupe_key__icontains=words))


def _by_verdict(rows: QuerySet[Event], verdict: str) -> QuerySet[Event]:
    if not verdict:
        return rows
    return rows.filter(duplicates__gt=0) if verdict == "duplicate" else rows.filter(state=verdict)


def _since(window: str, now: datetime) -> datetime | None:
    if window == "all":
        return None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if window == "day" else midnight - timedelta(days=6)


def _links(user: User, run_ids: Sequence[UUID]) -> dict[UUID, RunLink]:
    if not run_ids:
        return {}
    runs: QuerySet[Run] = runs_visible_to(user).filter(pk__in=run_ids)
    rows = runs.values_list("pk", "number", "agent__name")
    return {pk: RunLink(pk, number, agent) for pk, number, agent in rows}
