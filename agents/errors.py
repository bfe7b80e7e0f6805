"""What may go wrong while agents work. `code` is stable; the sentence is for people."""

from typing import Any


class AgentError(Exception):
    code = "AGENT_ERROR"
    status = 400

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra


class MoveRefused(AgentError):
    """The row was no longer in the state that we saw."""

    code = "MOVE_REFUSED"
    status = 409


class LeaseLost(AgentError):
    """Another worker owns this run now; leave quietly."""

    code = "LEASE_LOST"
    status = 409


class NoSuchAgent(AgentError):
    code = "NO_SUCH_AGENT"
    status = 404


class BadAgent(AgentError):
    """An agent's document is not sound; extra["problems"] has one sentence each."""

    code = "BAD_AGENT"
    status = 422
