"""What a request may become, and who moves it. Pure: no Django."""

from enum import StrEnum


class RequestKind(StrEnum):
    APPROVAL = "approval"
    QUESTION = "question"
    HAND_OFF = "hand_off"
    UNKNOWN_OUTCOME = "unknown_outcome"
    REVIEW = "review"
    PROPOSAL = "proposal"


class RequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Vote(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    ANSWER = "answer"
    RESOLVE = "resolve"
    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"


class RequestClass(StrEnum):
    NORMAL = "normal"
    HIGH = "high"


class Role(StrEnum):
    OPERATOR = "operator"
    ADMIN = "admin"
    MANAGER = "manager"
    AUDITOR = "auditor"


# approved -> open is the one way back: undo by whoever cast the settling vote, before execute_after.
# approved -> expired: nobody executed it by execute_by; approved -> withdrawn: superseded before execution.
REQUEST_MOVES: dict[str, frozenset[str]] = {
    RequestState.OPEN: frozenset(
        {
            RequestState.APPROVED,
            RequestState.REJECTED,
            RequestState.ANSWERED,
            RequestState.RESOLVED,
            RequestState.EXPIRED,
            RequestState.WITHDRAWN,
        }
    ),
    RequestState.APPROVED: frozenset({RequestState.OPEN, RequestState.EXPIRED, RequestState.WITHDRAWN}),
    RequestState.REJECTED: frozenset(),
    RequestState.ANSWERED: frozenset(),
    RequestState.RESOLVED: frozenset(),
    RequestState.EXPIRED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}

VOTES_OF: dict[str, frozenset[str]] = {
    RequestKind.APPROVAL: frozenset({Vote.APPROVE, Vote.REJECT}),
    RequestKind.PROPOSAL: frozenset({Vote.APPROVE, Vote.REJECT}),
    RequestKind.REVIEW: frozenset({Vote.APPROVE, Vote.REJECT}),
    RequestKind.QUESTION: frozenset({Vote.ANSWER, Vote.REJECT}),
    RequestKind.HAND_OFF: frozenset({Vote.ANSWER, Vote.RESOLVE}),
    RequestKind.UNKNOWN_OUTCOME: frozenset({Vote.HAPPENED, Vote.DID_NOT_HAPPEN}),
}

SETTLES_AS: dict[str, str] = {
    Vote.APPROVE: RequestState.APPROVED,
    Vote.REJECT: RequestState.REJECTED,
    Vote.ANSWER: RequestState.ANSWERED,
    Vote.RESOLVE: RequestState.RESOLVED,
    Vote.HAPPENED: RequestState.RESOLVED,
    Vote.DID_NOT_HAPPEN: RequestState.RESOLVED,
}
