"""What a run does next, decided from its journal alone. Pure: no Django, no clock, no model."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agents.states import ACTION_ANSWERED, ActionState

HAND_OFF = "hand_off"
ASK_PERSON = "ask_person"
BUILT_IN = frozenset({HAND_OFF, ASK_PERSON})
MAX_REPAIRS = 2


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of the last reply."""

    id: str
    name: str
    arguments: dict[str, Any]
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """The last thing the model said. `outcome` is set when it ended with one that fits the schema."""

    calls: tuple[Call, ...]
    truncated: bool = False
    refused: bool = False
    paused: bool = False
    outcome: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionView:
    id: UUID
    call_id: str
    state: str
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """A run as its journal shows it."""

    reply: Reply | None = None
    actions: tuple[ActionView, ...] = ()
    answered: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    repairs: int = 0
    limit: str = ""
    limit_code: str = ""
    instruction_waits: bool = False


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Ask the model."""


@dataclass(frozen=True, slots=True)
class JudgeCalls:
    """Make actions of these calls and ask the policy."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunAction:
    action_id: UUID


@dataclass(frozen=True, slots=True)
class TellModel:
    """Journal what became of these actions, for the model's next turn."""

    action_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class AskPerson:
    call: Call


@dataclass(frozen=True, slots=True)
class WaitForPerson:
    why: str


@dataclass(frozen=True, slots=True)
class WaitUntilReady:
    """Approved, but still inside the undo window."""

    action_id: UUID


@dataclass(frozen=True, slots=True)
class HandOff:
    code: str
    why: str
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """Tell the model what is wrong with its ending and let it try again."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    outcome: dict[str, Any]


NextStep = (
    TakeTurn
    | JudgeCalls
    | RunAction
    | TellModel
    | AskPerson
    | WaitForPerson
    | WaitUntilReady
    | HandOff
    | Repair
    | Finish
)

_READY = {ActionState.ALLOWED, ActionState.APPROVED, ActionState.EXECUTING}


def next_step(progress: Progress) -> NextStep:
    """Return the one thing to do now."""
    reply = progress.reply
    if reply is None or progress.instruction_waits:
        return _turn(progress)
    if reply.refused:
        return HandOff("refused", "The model declined to go on.")
    return _after_calls(progress, reply) if reply.calls else _ending(progress, reply)


def _after_calls(progress: Progress, reply: Reply) -> NextStep:
    known = {action.call_id for action in progress.actions}
    unjudged = tuple(
        call.id
        for call in reply.calls
        if call.id not in known | progress.answered and (call.broken or call.name not in BUILT_IN)
    )
    if unjudged:
        return JudgeCalls(unjudged)
    return _from_actions(progress) or _from_built_ins(progress, reply) or _turn(progress)


def _from_actions(progress: Progress) -> NextStep | None:
    for action in progress.actions:
        if action.state in _READY and action.ready:
            return RunAction(action.id)
    untold = tuple(
        action.id
        for action in progress.actions
        if action.state in ACTION_ANSWERED and action.call_id not in progress.answered
    )
    if untold:
        return TellModel(untold)
    return _from_waits(progress)


def _from_waits(progress: Progress) -> NextStep | None:
    waiting = {action.state: action for action in reversed(progress.actions)}
    if ActionState.UNKNOWN in waiting:
        return WaitForPerson("the outcome of a call is unknown; a person settles it")
    if ActionState.PENDING in waiting:
        return WaitForPerson("an approval")
    if ActionState.APPROVED in waiting:
        return WaitUntilReady(waiting[ActionState.APPROVED].id)
    if ActionState.ESCALATED in waiting and not progress.instruction_waits:
        return HandOff("policy", "The policy leaves this to people.")
    return None


def _from_built_ins(progress: Progress, reply: Reply) -> NextStep | None:
    open_calls = [call for call in reply.calls if call.name in BUILT_IN and call.id not in progress.answered]
    for call in open_calls:
        if call.name == ASK_PERSON:
            return WaitForPerson("an answer") if call.id in progress.asked else AskPerson(call)
    for call in open_calls:
        return HandOff("agent", str(call.arguments.get("summary") or "The agent hands this over."), call)
    return None


def _ending(progress: Progress, reply: Reply) -> NextStep:
    if reply.outcome is not None:
        return Finish(reply.outcome)
    if reply.paused:
        return _turn(progress)
    if progress.repairs >= MAX_REPAIRS:
        return HandOff("outcome", "The agent ended without an outcome that fits its schema.")
    if progress.limit:
        return HandOff(progress.limit_code, progress.limit)
    return Repair(reply.problems or ("Your answer was cut off. Answer again, shorter.",))


def _turn(progress: Progress) -> NextStep:
    return HandOff(progress.limit_code, progress.limit) if progress.limit else TakeTurn()
