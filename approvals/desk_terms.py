"""The words of the hand-off desk: why work came to people, how urgent, how far, how it ended. Pure: no Django."""

from enum import StrEnum

from approvals.states import RequestKind, RequestState

DESK_KINDS = (RequestKind.HAND_OFF, RequestKind.QUESTION, RequestKind.UNKNOWN_OUTCOME)


class Reason(StrEnum):
    """The six families of reasons; the fine code stays beside them."""

    MISSING_DATA = "missing_data"
    EXCEPTION = "exception"
    POLICY = "policy"
    LOW_CONFIDENCE = "low_confidence"
    UNKNOWN_OUTCOME = "unknown_outcome"
    ANOMALY = "anomaly"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Progress(StrEnum):
    NEW = "new"
    TAKEN = "taken"
    WAITING = "waiting"
    DONE = "done"


class Result(StrEnum):
    """How a person closed a hand-off. The figures count these."""

    SOLVED = "solved_by_person"
    DUPLICATE = "duplicate"
    NOT_NEEDED = "not_needed"
    CANNOT_BE_DONE = "cannot_be_done"
    OTHER = "other"


RESULT_WORDS = {
    Result.SOLVED: "solved by a person",
    Result.DUPLICATE: "a duplicate",
    Result.NOT_NEEDED: "not needed any more",
    Result.CANNOT_BE_DONE: "cannot be done",
    Result.OTHER: "other, as written",
}
# Fine codes beside the family's own name. Every code that stands nowhere here is an exception.
CODES: dict[Reason, frozenset[str]] = {
    Reason.MISSING_DATA: frozenset({"missing_data"}),
    Reason.POLICY: frozenset(
        {"policy", "limit_turns", "limit_seconds", "limit_cost", "limit_moved", "limit_actions", "refused"}
    ),
    Reason.LOW_CONFIDENCE: frozenset({"low_confidence"}),
    Reason.UNKNOWN_OUTCOME: frozenset({"unknown_outcome"}),
    Reason.ANOMALY: frozenset({"anomaly", "integrity"}),
}
_EXCEPTIONS = frozenset({"exception", "agent", "context", "provider", "outcome"})
CODE_WORDS = {
    "limit_turns": "turns used up",
    "limit_seconds": "working time used up",
    "limit_cost": "model cost limit",
    "limit_moved": "limit of money per day",
    "limit_actions": "actions used up",
    "refused": "the model declined",
    "integrity": "stored is not what was signed",
    "context": "conversation too long",
    "provider": "no model reachable",
    "outcome": "no usable ending",
    "agent": "the agent gave no reason code",
}
_FAMILY_OF = {code: family for family, codes in CODES.items() for code in codes}


def family_of(code: str, kind: str = "") -> Reason:
    """Return the family of a fine code; a question without one lacks data, anything unknown is an exception."""
    if kind == RequestKind.UNKNOWN_OUTCOME:
        return Reason.UNKNOWN_OUTCOME
    if kind == RequestKind.QUESTION and not code:
        return Reason.MISSING_DATA
    return _FAMILY_OF.get(code, Reason.EXCEPTION)


def is_reason_code(code: str) -> bool:
    """Return whether this is a code of ours: what a model writes there is its own choice of words."""
    return code in _FAMILY_OF or code in _EXCEPTIONS


def on_the_desk(kind: str) -> bool:
    return kind in DESK_KINDS


def progress_of(kind: str, state: str, progress: str) -> str:
    """Return how far this work is; what is settled is done, whatever stood there before. "" for what is no desk work."""
    if not on_the_desk(kind):
        return ""
    return Progress.DONE if state != RequestState.OPEN else progress or Progress.NEW
