"""What an event may become. Pure: no Django."""

from enum import StrEnum


class EventState(StrEnum):
    RECEIVED = "received"
    ACCEPTED = "accepted"
    INVALID = "invalid"
    IGNORED = "ignored"


# invalid -> received: a person corrected it, or the schema or trigger that refused it was changed.
# ignored -> received: the same, for one that no trigger wanted. accepted is the end: what ran, ran; running it
# again is a new event that names this one.
EVENT_MOVES: dict[str, frozenset[str]] = {
    EventState.RECEIVED: frozenset({EventState.ACCEPTED, EventState.INVALID, EventState.IGNORED}),
    EventState.INVALID: frozenset({EventState.RECEIVED, EventState.IGNORED}),
    EventState.IGNORED: frozenset({EventState.RECEIVED}),
    EventState.ACCEPTED: frozenset(),
}
