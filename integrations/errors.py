"""What may go wrong at the edges. `code` is stable, the sentence is for people."""

from typing import Any


class EdgeError(Exception):
    code = "EDGE_ERROR"
    status = 400

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra


class NoSuchSource(EdgeError):
    code = "NO_SUCH_SOURCE"
    status = 404


class NoSuchEvent(EdgeError):
    code = "NO_SUCH_EVENT"
    status = 404


class NotYours(EdgeError):
    """This person may not do that; the sentence says why."""

    code = "NOT_ALLOWED"
    status = 403


class BadPayload(EdgeError):
    """A payload that the source refuses; extra["problems"] has one entry per problem."""

    code = "BAD_PAYLOAD"
    status = 422


class EventMoved(EdgeError):
    """The event is no longer in the state that was shown: someone else, or a worker, was first."""

    code = "MOVE_REFUSED"
    status = 409
