"""The one door for an event's state: a conditional UPDATE whose row count is believed, with its audit row."""

from typing import Any

from approvals.audit import Actor, record
from integrations.errors import EventMoved
from integrations.models import Event
from integrations.states import EVENT_MOVES, EventState


def move_event(event: Event, to: EventState, *, actor: Actor, verb: str = "", why: str = "", **changes: Any) -> None:
    """Move the event; `changes` are further columns. Raises EventMoved when it is no longer as `event` shows."""
    before = event.state
    if to not in EVENT_MOVES[before]:
        raise EventMoved(f"An event that is {before} cannot become {to}.")
    if not Event.objects.filter(pk=event.pk, state=before).update(state=to, **changes):
        raise EventMoved("This event changed a moment ago. Look again.")
    event.state = to
    for name, value in changes.items():
        setattr(event, name, value)
    _tell_audit(event, before, verb or f"event.{to}", why, actor)


def _tell_audit(event: Event, before: str, verb: str, why: str, actor: Actor) -> None:
    record(
        actor=actor,
        verb=verb,
        subject_type="event",
        subject_id=event.pk,
        subject=event.subject,
        from_state=before,
        to_state=event.state,
        digest=event.body_sha256,
        source=event.source.name,
        runs=[str(run_id) for run_id in event.run_ids] or None,
        problems=event.problems[:5] or None,
        why=why or None,
    )
