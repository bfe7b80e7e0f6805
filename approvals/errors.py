"""What may go wrong when people decide. `code` is stable; the sentence is for people."""

from typing import Any


class ApprovalError(Exception):
    code = "REFUSED"
    status = 400

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra


class NotFound(ApprovalError):
    code = "NOT_FOUND"
    status = 404


class NotAllowed(ApprovalError):
    code = "NOT_ALLOWED"
    status = 403


class NotAllowedToDecide(NotAllowed):
    code = "NOT_ALLOWED_TO_DECIDE"


class AlreadySettled(ApprovalError):
    code = "ALREADY_SETTLED"
    status = 409


class RequestChanged(ApprovalError):
    code = "REQUEST_CHANGED"
    status = 409


class DeadlinePassed(ApprovalError):
    code = "DEADLINE_PASSED"
    status = 409


class TooLateToUndo(ApprovalError):
    code = "TOO_LATE_TO_UNDO"
    status = 409


class WrongVote(ApprovalError):
    code = "WRONG_VOTE"
    status = 400


class BadArguments(ApprovalError):
    """An edit that the tool's schema refuses; extra["problems"] has one sentence per field."""

    code = "BAD_ARGUMENTS"
    status = 422


class WrongTime(ApprovalError):
    """A moment or period that makes no sense where it was given."""

    code = "WRONG_TIME"
    status = 422


class MoveRefused(ApprovalError):
    """A state changed under us: someone else was first."""

    code = "MOVE_REFUSED"
    status = 409
