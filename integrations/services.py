"""The verbs on events: take one in, judge it, correct it, run it again, discard it."""

import json
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from agents.errors import NoSuchAgent
from agents.services import start_run
from approvals.audit import SYSTEM, Actor, record
from approvals.database_clock import database_now
from approvals.people import signer
from approvals.policy.canonical import NotCanonical, as_json
from config.queues import ring_after_commit
from integrations.editors import trigger_editors
from integrations.errors import BadPayload, EventMoved, NoSuchEvent, NoSuchSource
from integrations.event_moves import move_event
from integrations.event_permissions import check_can_handle, visible_events
from integrations.event_store import Stored, own_key, sender_key, store_event
from integrations.judging import Judged, judge, judge_text
from integrations.models import Event, Source, Trigger
from integrations.states import EventState

MOST_ATTEMPTS = 5
PING = "GitHub's ping: it only says that the webhook is set up."
JSON_HEADERS = {"content-type": "application/json"}


def accept_event(*, source: str, payload: Any, dedupe_key: str = "", user: Any = None) -> Stored:
    """Take in an event that a person or program gave through our own doors, and ring the workers.

    The same source and dedupe_key give the same event. Who gave it is its runs' initiator.
    Raises NoSuchSource, BadPayload.
    """
    row = Source.objects.filter(name=source, disabled=False).first()
    if row is None:
        raise NoSuchSource(f"There is no source named {source!r}.")
    body = _body_of(payload, row.max_bytes)
    key = sender_key("api", dedupe_key) if dedupe_key else own_key()
    with transaction.atomic():
        stored = store_event(
            source_id=row.pk, key=key, body=body, headers=JSON_HEADERS, given_by_id=user.pk if user else None
        )
        if stored.fresh:
            _tell_given(stored.event_id, row.name, user)
            ring_after_commit()
    return stored


def process_event(*, event_id: UUID) -> None:
    """Judge one received event and start the runs that its triggers ask for, all in one transaction.

    Asked again, or by two at once, it changes nothing more: the row is locked and its state believed.
    """
    with transaction.atomic():
        event = _locked(Event.objects.filter(pk=event_id, state=EventState.RECEIVED))
        if event is None:
            return
        if event.headers.get("x-github-event") == "ping" and event.source.signature == "github":
            _settle(event, EventState.IGNORED, problems=[_note(PING)])
            return
        _act_on(event, judge(event))


def correct_event(*, event_id: UUID, user: Any, text: str) -> Event:
    """Put a person's payload in the place of the refused one and have it judged anew. The raw body stays.

    Raises NotYours, BadPayload with the problems that it still has, EventMoved.
    """
    check_can_handle(signer(user))
    with transaction.atomic():
        event = _event_for(user, event_id)
        problems = judge_text(event, text)
        if problems:
            raise BadPayload("The corrected payload still has problems.", problems=problems)
        move_event(
            event,
            EventState.RECEIVED,
            actor=Actor.person(user),
            verb="event.corrected",
            corrected=text.encode(),
            corrected_by=user,
            **_AS_NEW,
        )
        ring_after_commit()
    return event


def replay_event(*, event_id: UUID, user: Any) -> UUID:
    """Run an event again: judge a refused or ignored one anew, copy an accepted one into a new event.

    Returns the id of the event that will be judged. Raises NotYours, EventMoved.
    """
    check_can_handle(signer(user))
    with transaction.atomic():
        event = _event_for(user, event_id)
        if event.state == EventState.RECEIVED:
            raise EventMoved("This event is waiting to be judged already.")
        again = _copy(event, user) if event.state == EventState.ACCEPTED else event.pk
        if again == event.pk:
            move_event(event, EventState.RECEIVED, actor=Actor.person(user), verb="event.replayed", **_AS_NEW)
        ring_after_commit()
    return again


def discard_event(*, event_id: UUID, user: Any, reason: str) -> Event:
    """Set a refused event aside: it stays, and nobody is asked about it any more. Raises NotYours, EventMoved."""
    check_can_handle(signer(user))
    with transaction.atomic():
        event = _event_for(user, event_id)
        if event.state != EventState.INVALID:
            raise EventMoved("Only an invalid event is discarded.")
        move_event(event, EventState.IGNORED, actor=Actor.person(user), verb="event.discarded", why=reason[:500])
    return event


def give_up(*, event_id: UUID) -> None:
    """Put an event aside that could not be judged in several attempts, so that a person sees it."""
    with transaction.atomic():
        event = _locked(Event.objects.filter(pk=event_id, state=EventState.RECEIVED, attempts__gt=MOST_ATTEMPTS))
        if event is not None:
            note = _note(
                f"Judging it failed {MOST_ATTEMPTS} times; the log has the reason. Run it again when that is mended."
            )
            _settle(event, EventState.INVALID, problems=[note])


# A lease or attempts from before must not hold back what is judged anew.
_AS_NEW: dict[str, Any] = {"problems": [], "attempts": 0, "lease_expires_at": None, "processed_at": None}


def _act_on(event: Event, judged: Judged) -> None:
    event.subject, event.kind = judged.subject, judged.kind
    problems = list(judged.problems)
    for trigger in judged.triggers:
        problem = _start(event, trigger, judged)
        if problem:
            problems.append(problem)
    if problems:
        _settle(event, EventState.INVALID, problems=problems)
    elif event.run_ids:
        _settle(event, EventState.ACCEPTED, problems=[])
    else:
        _settle(event, EventState.IGNORED, problems=[_note(_nobody(event))])


def _start(event: Event, trigger: Trigger, judged: Judged) -> dict[str, str] | None:
    """Start the trigger's run; an event makes at most one per trigger, however often it is judged."""
    try:
        run = start_run(
            agent=trigger.agent,
            goal=trigger.goal,
            input=as_json(judged.event),
            subject=judged.subject,
            event_id=event.pk,
            trigger_id=trigger.pk,
            initiator=event.corrected_by or event.given_by,
            barred=trigger_editors(trigger),
            actor=SYSTEM,
        )
    except NoSuchAgent as error:
        return _note(error.message)
    except NotCanonical as error:
        return _note(f"A number cannot be kept exactly: {error}")
    if run.pk not in event.run_ids:
        event.run_ids = [*event.run_ids, run.pk]
    return None


def _settle(event: Event, state: EventState, *, problems: list[dict[str, str]]) -> None:
    move_event(
        event,
        state,
        actor=SYSTEM,
        problems=problems,
        subject=event.subject,
        kind=event.kind,
        run_ids=event.run_ids,
        lease_expires_at=None,
        processed_at=database_now(),
    )


def _nobody(event: Event) -> str:
    if Trigger.objects.filter(source_id=event.source_id, disabled=False).exists():
        return "No trigger's condition matched."
    return "This source has no trigger, so no agent waits for its events."


def _copy(event: Event, user: Any) -> UUID:
    stored = store_event(
        source_id=event.source_id,
        key=own_key(),
        body=bytes(event.corrected or event.body),
        headers=event.headers if event.corrected is None else JSON_HEADERS,
        given_by_id=user.pk,
        replay_of=event.pk,
    )
    record(
        actor=Actor.person(user),
        verb="event.run_again",
        subject_type="event",
        subject_id=stored.event_id,
        subject=event.subject,
        to_state=EventState.RECEIVED,
        digest=event.body_sha256,
        source=event.source.name,
        replay_of=str(event.pk),
    )
    return stored.event_id


def _tell_given(event_id: UUID, source: str, user: Any) -> None:
    record(
        actor=Actor.person(user) if user else SYSTEM,
        verb="event.given",
        subject_type="event",
        subject_id=event_id,
        to_state=EventState.RECEIVED,
        source=source,
    )


def _body_of(payload: Any, max_bytes: int) -> bytes:
    try:
        body = json.dumps(as_json(payload), allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise BadPayload(f"The payload cannot be kept: {error}") from None
    if len(body) > max_bytes:
        raise BadPayload(f"The payload has {len(body)} bytes; this source takes at most {max_bytes}.")
    return body


def _event_for(user: Any, event_id: UUID) -> Event:
    event = _locked(visible_events(signer(user)).filter(pk=event_id))
    if event is None:
        raise NoSuchEvent("There is no such event.")
    return event


def _locked(rows: QuerySet[Event]) -> Event | None:
    """Return the one event, locked. The conditions are asked of the row itself, so again after waiting for its lock."""
    return rows.select_for_update(of=("self",)).select_related("source", "corrected_by", "given_by").first()


def _note(message: str) -> dict[str, str]:
    return {"path": "", "message": message}
