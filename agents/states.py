"""What a run and an action may become. Pure: no Django. DESIGN names the same moves."""

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING_PERSON = "waiting_person"
    WAITING_EVENT = "waiting_event"
    WAITING_TIME = "waiting_time"
    WAITING_CHILD = "waiting_child"
    PAUSED = "paused"
    COMPLETED = "completed"
    ESCALATED = "escalated"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD_LETTER = "dead_letter"


class ActionState(StrEnum):
    PROPOSED = "proposed"
    ALLOWED = "allowed"
    PENDING = "pending"
    ESCALATED = "escalated"
    DENIED = "denied"
    SHADOWED = "shadowed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"


class StepKind(StrEnum):
    INPUT = "input"
    MODEL = "model"
    MODEL_FAILED = "model_failed"
    VERDICT = "verdict"
    TOOL_RESULT = "tool_result"
    DECISION = "decision"
    WAIT = "wait"
    INSTRUCTION = "instruction"
    REPAIR = "repair"
    LIMIT = "limit"
    END = "end"


_LEAVING_A_WAIT = frozenset({RunState.QUEUED, RunState.FAILED, RunState.ESCALATED, RunState.CANCELLED})

RUN_MOVES: dict[str, frozenset[str]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.PAUSED}),
    RunState.RUNNING: frozenset(set(RunState) - {RunState.RUNNING}),
    RunState.WAITING_PERSON: _LEAVING_A_WAIT,
    RunState.WAITING_EVENT: _LEAVING_A_WAIT,
    RunState.WAITING_TIME: _LEAVING_A_WAIT,
    RunState.WAITING_CHILD: _LEAVING_A_WAIT,
    RunState.PAUSED: _LEAVING_A_WAIT,
    RunState.COMPLETED: frozenset(),
    RunState.ESCALATED: frozenset({RunState.QUEUED, RunState.COMPLETED}),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
    RunState.DEAD_LETTER: frozenset({RunState.QUEUED}),
}

ACTION_MOVES: dict[str, frozenset[str]] = {
    ActionState.PROPOSED: frozenset(
        {
            ActionState.ALLOWED,
            ActionState.PENDING,
            ActionState.ESCALATED,
            ActionState.DENIED,
            ActionState.SHADOWED,
        }
    ),
    ActionState.PENDING: frozenset(
        {
            ActionState.APPROVED,
            ActionState.REJECTED,
            ActionState.EXPIRED,
            ActionState.SUPERSEDED,
            ActionState.CANCELLED,
        }
    ),
    ActionState.APPROVED: frozenset(
        {
            ActionState.EXECUTING,
            ActionState.PENDING,
            ActionState.SUPERSEDED,
            ActionState.EXPIRED,
            ActionState.CANCELLED,
        }
    ),
    ActionState.ALLOWED: frozenset({ActionState.EXECUTING, ActionState.SUPERSEDED, ActionState.CANCELLED}),
    ActionState.EXECUTING: frozenset({ActionState.SUCCEEDED, ActionState.FAILED, ActionState.UNKNOWN}),
    ActionState.UNKNOWN: frozenset({ActionState.SUCCEEDED, ActionState.FAILED}),
    ActionState.SUCCEEDED: frozenset({ActionState.COMPENSATING}),
    ActionState.COMPENSATING: frozenset({ActionState.COMPENSATED, ActionState.SUCCEEDED}),
    ActionState.COMPENSATED: frozenset(),
    ActionState.ESCALATED: frozenset(),
    ActionState.DENIED: frozenset(),
    ActionState.SHADOWED: frozenset(),
    ActionState.REJECTED: frozenset(),
    ActionState.EXPIRED: frozenset(),
    ActionState.SUPERSEDED: frozenset(),
    ActionState.CANCELLED: frozenset(),
    ActionState.FAILED: frozenset(),
}

# What becomes of an action when the one that takes it back has come to this.
ORIGINAL_BECOMES: dict[str, ActionState] = {
    ActionState.SUCCEEDED: ActionState.COMPENSATED,
    ActionState.FAILED: ActionState.SUCCEEDED,
    ActionState.REJECTED: ActionState.SUCCEEDED,
    ActionState.EXPIRED: ActionState.SUCCEEDED,
    ActionState.CANCELLED: ActionState.SUCCEEDED,
}

RUN_ENDED = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})
RUN_WAITING = frozenset(
    {RunState.WAITING_PERSON, RunState.WAITING_EVENT, RunState.WAITING_TIME, RunState.WAITING_CHILD, RunState.PAUSED}
)
# An action in one of these has said its last word to the model.
ACTION_ANSWERED = frozenset(
    {
        ActionState.SUCCEEDED,
        ActionState.FAILED,
        ActionState.DENIED,
        ActionState.SHADOWED,
        ActionState.REJECTED,
        ActionState.EXPIRED,
        ActionState.CANCELLED,
        ActionState.ESCALATED,
    }
)
# May still change something outside, or has not been told to anyone.
ACTION_OPEN = frozenset(
    {
        ActionState.PROPOSED,
        ActionState.ALLOWED,
        ActionState.PENDING,
        ActionState.APPROVED,
        ActionState.EXECUTING,
        ActionState.UNKNOWN,
    }
)
