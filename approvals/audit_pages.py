"""The audit trail for people: who may see which rows, the filters, and how a row reads."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils import timezone

from approvals.models import AuditEvent, Request
from approvals.people import Signer
from approvals.permissions import visible_requests
from approvals.sealing.checking import Place, place_of
from approvals.states import RequestState

PER_PAGE = 50
# A bound for a slip of the hand, not for memory: rows are streamed.
EXPORT_ROWS = 5_000_000
_LATELY = 2_000
COLUMNS = (
    "seq", "at", "actor", "actor_kind", "verb", "subject_type", "subject_id", "subject", "run_id", "agent",
    "from_state", "to_state", "digest",
)  # fmt: skip
_PAST = {
    "approve": "approved",
    "reject": "rejected",
    "answer": "answered",
    "resolve": "resolved",
    "happened": "settled: it happened",
    "did_not_happen": "settled: it did not happen",
}


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What the reader asked for; anything that cannot be read is left out and told."""

    q: str = ""
    actor: str = ""
    verb: str = ""
    subject: str = ""
    agent: str = ""
    run: UUID | None = None
    since: date | None = None
    until: date | None = None
    before: int | None = None
    open: int | None = None
    problems: tuple[str, ...] = ()

    @property
    def narrowed(self) -> bool:
        return any((self.q, self.actor, self.verb, self.subject, self.agent, self.run, self.since, self.until))

    def shown(self) -> dict[str, str]:
        """Return the filters that are set, for the record of an export."""
        names = ("q", "actor", "verb", "subject", "agent", "run", "since", "until")
        return {name: str(getattr(self, name)) for name in names if getattr(self, name)}


@dataclass(frozen=True)
class AuditRow:
    """One audit event as a line of the list."""

    event: AuditEvent
    is_open: bool
    place: Place | None = None

    @property
    def what(self) -> str:
        """Return the verb in words: "decision.approve" → "approved"."""
        last = self.event.verb.rpartition(".")[2]
        return _PAST.get(last, last.replace("_", " "))

    @property
    def about(self) -> str:
        """Return what it was done to: its kind and the name that people know it by."""
        kind = self.event.subject_type.replace("_", " ")
        if self.event.erased:
            return f"{kind}: erased"
        return f"{kind}: {self.event.subject}" if self.event.subject else kind

    @cached_property
    def facts(self) -> list[tuple[str, Any]]:
        event = self.event
        known = [
            ("Event", f"{event.seq}, {event.at.isoformat(sep=' ', timespec='milliseconds')}"),
            ("Place in the chain", self._place_words),
            ("Transaction", str(event.xid)),
            ("Verb", event.verb),
            ("Who", f"{event.actor} ({event.actor_kind})"),
            ("Subject", f"{event.subject_type} {event.subject_id}"),
            ("Agent", event.agent),
            ("State", f"{event.from_state or 'none'} → {event.to_state}" if event.to_state else ""),
        ]
        return [(name, value) for name, value in known if value]

    @property
    def _place_words(self) -> str:
        if self.place is None:
            return "not sealed yet"
        return f"{self.place.number:,}, in seal {self.place.seal.number:,}"

    @property
    def leaf(self) -> str:
        """Return the salted hash of what can be erased: all of it that the chain holds."""
        return bytes(self.event.payload_hash or b"").hex()

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.event.data
        return data


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One screenful, newest first. `older` is where the next begins; None at the end."""

    rows: tuple[AuditRow, ...]
    older: int | None


def filter_from(query: QueryDict) -> AuditFilter:
    """Return the filter that a query string asks for."""
    problems: list[str] = []
    return AuditFilter(
        **{
            name: query.get(name, "").replace("\0", "").strip()[:200]
            for name in ("q", "actor", "verb", "subject", "agent")
        },
        run=_run(query.get("run", "").strip(), problems),
        since=_date(query.get("since", ""), problems),
        until=_date(query.get("until", ""), problems),
        before=_seq(query.get("before", "")),
        open=_seq(query.get("open", "")),
        problems=tuple(problems),
    )


def visible_events(who: Signer) -> QuerySet[AuditEvent]:
    """Return the rows this person may read: all, or what they did themselves and what concerns their teams' requests.

    Either way without the votes that nobody is to know before the last of them is in.
    """
    rows = without_hidden_votes(AuditEvent.objects.all(), who)
    if who.sees_all:
        return rows
    requests = visible_requests(who)
    ids = requests.annotate(text_id=Cast("pk", CharField())).values("text_id")
    runs = requests.filter(run_id__isnull=False).values("run_id")
    own = Q(actor_kind="person", actor=who.user.get_username())
    return rows.filter(own | Q(run_id__in=runs) | Q(subject_type="request", subject_id__in=ids))


def without_hidden_votes(rows: QuerySet[AuditEvent], who: Signer) -> QuerySet[AuditEvent]:
    """Return the rows without others' votes on requests that still wait for several people: no reader tells."""
    waiting = Request.objects.filter(state=RequestState.OPEN, votes_needed__gt=1)
    ids = waiting.annotate(text_id=Cast("pk", CharField())).values("text_id")
    votes = Q(subject_type="request", verb__startswith="decision.", subject_id__in=ids)
    return rows.exclude(votes & ~Q(actor=who.user.get_username(), actor_kind="person"))


def audit_page(who: Signer, wanted: AuditFilter) -> AuditPage:
    """Return the newest rows that fit, older than `before` where it is given."""
    rows = matching(who, wanted).order_by("-seq")
    if wanted.before is not None:
        rows = rows.filter(seq__lt=wanted.before)
    found = list(rows[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    older = shown[-1].seq if len(found) > PER_PAGE else None
    return AuditPage(tuple(_row(event, event.seq == wanted.open) for event in shown), older)


def _row(event: AuditEvent, is_open: bool) -> AuditRow:
    return AuditRow(event, is_open, place_of(event) if is_open else None)


def matching(who: Signer, wanted: AuditFilter) -> QuerySet[AuditEvent]:
    """Return the rows that this person may read and asked for."""
    rows = visible_events(who)
    exact = {"actor": wanted.actor, "verb": wanted.verb, "agent": wanted.agent, "run_id": wanted.run}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if wanted.subject:
        rows = rows.filter(
            Q(subject__icontains=wanted.subject) | Q(subject_id=wanted.subject) | Q(subject_type=wanted.subject)
        )
    if wanted.since:
        rows = rows.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    return rows.filter(_search(wanted.q)) if wanted.q else rows


def choices(who: Signer) -> dict[str, list[str]]:
    """Return the actors, verbs and agents of the latest rows, to choose from; others can be typed."""
    lately = visible_events(who).order_by("-seq").values_list("actor", "verb", "agent")[:_LATELY]
    columns = list(zip(*lately, strict=True)) or [(), (), ()]
    return {
        name: sorted({value for value in values if value})
        for name, values in zip(("actors", "verbs", "agents"), columns, strict=True)
    }


def newest_number(who: Signer) -> int:
    """Return the number of the newest row this person may read, 0 for none."""
    return visible_events(who).order_by("-seq").values_list("seq", flat=True).first() or 0


def export_rows(who: Signer, wanted: AuditFilter) -> Iterator[tuple[Any, ...]]:
    """Yield a head line and then every row that fits, newest first, at most EXPORT_ROWS."""
    yield (*COLUMNS, "data")
    rows = matching(who, wanted).order_by("-seq").values_list(*COLUMNS, "data")[:EXPORT_ROWS]
    yield from rows.iterator(chunk_size=2_000)


def json_lines(who: Signer, wanted: AuditFilter) -> Iterator[str]:
    """Yield every row that fits as one JSON object per line, newest first."""
    rows = matching(who, wanted).order_by("-seq").values(*COLUMNS, "data")[:EXPORT_ROWS]
    for row in rows.iterator(chunk_size=2_000):
        yield json.dumps(row, ensure_ascii=False, default=str) + "\n"


def _search(text: str) -> Q:
    found = Q(actor__icontains=text) | Q(verb__icontains=text) | Q(subject__icontains=text) | Q(agent__icontains=text)
    return found | Q(digest__startswith=text.replace(" ", "").lower()) | Q(subject_id=text)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _date(text: str, problems: list[str]) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problems.append(f"“{text[:40]}” is not a date; write 2026-11-21.")
        return None


def _run(text: str, problems: list[str]) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        problems.append("A run is found by its id, as it stands in the address of its page.")
        return None


def _seq(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
