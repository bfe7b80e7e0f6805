"""One run as a worker sees it: rows read at the start of each step, and the progress they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from agents import journal
from agents.budget import Used, limit_reached
from agents.guards.placeholders import Placeholders, placeholders_in
from agents.models import Action, Run, Step
from agents.next_step import ActionView, Call, Progress, Reply
from agents.providers.base import ModelReply, Stop
from agents.providers.wire import reply_from_json
from agents.spec import AgentSpec, parse_spec
from agents.states import ActionState, StepKind
from agents.tools.base import Tool
from agents.tools.registry import tools_matching
from approvals.audit import Actor
from approvals.database_clock import database_now
from approvals.selectors import request_of_action


@dataclass
class Work:
    """Everything one step needs. `run` carries the fence of our claim."""

    run: Run
    spec: AgentSpec
    steps: Sequence[Step]
    actions: Sequence[Action]

    @property
    def actor(self) -> Actor:
        return Actor.agent(self.run.agent.name, self.run.version.number)

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        # What takes a deed back is named by its connection, not by the agent's list; the policy judges it all the same.
        return tools_matching(["*"] if self.run.undoes_id else self.spec.tools)

    @cached_property
    def last_model_step(self) -> Step | None:
        return next((step for step in reversed(self.steps) if step.kind == StepKind.MODEL), None)

    @property
    def turn(self) -> int:
        return self.last_model_step.data["turn"] if self.last_model_step else 0

    @cached_property
    def reply(self) -> ModelReply | None:
        return reply_from_json(self.last_model_step.data["reply"]) if self.last_model_step else None

    def placeholders(self) -> Placeholders:
        """Return what the model does not read in plain: of the event, then of each result in the order they came."""
        sources: list[tuple[Any, Sequence[str]]] = [(self.run.input, self.spec.guards.hidden_of_event)]
        # By the time of their end: a result that comes later must not take a name that the model has already read.
        done = sorted((a for a in self.actions if a.ended_at), key=lambda a: (a.ended_at, a.pk))
        sources += [(a.result, tool.redact) for a in done if (tool := self.tools.get(a.tool)) and tool.redact]
        return placeholders_in(sources)

    @property
    def turn_actions(self) -> list[Action]:
        """The actions of the last turn that count: a superseded one is spoken for by its successor."""
        return [a for a in self.actions if a.turn == self.turn and a.state != ActionState.SUPERSEDED]


def load(run: Run) -> Work:
    """Read the run's journal and actions."""
    steps = journal.read(run.pk)
    actions = list(Action.objects.filter(run_id=run.pk).order_by("turn", "position", "created_at"))
    for action in actions:
        action.run = run
    return Work(run=run, spec=parse_spec(run.version.document), steps=steps, actions=actions)


def progress_of(work: Work) -> Progress:
    """Return the run as the pure next_step wants it."""
    code, sentence = ("", "") if work.run.undoes_id else limit_reached(_used(work), work.spec.limits)
    turn_steps = [step for step in work.steps if step.data.get("turn") == work.turn]
    return Progress(
        reply=_reply(work),
        actions=tuple(_view(action) for action in work.turn_actions),
        answered=frozenset(s.data["call_id"] for s in turn_steps if s.kind == StepKind.TOOL_RESULT),
        asked=frozenset(s.data["call_id"] for s in turn_steps if s.kind == StepKind.WAIT and "call_id" in s.data),
        repairs=sum(step.kind == StepKind.REPAIR for step in work.steps),
        limit=sentence,
        limit_code=code,
        instruction_waits=_last_spoken(work) in (StepKind.INSTRUCTION, StepKind.REPAIR),
    )


def _reply(work: Work) -> Reply | None:
    step, reply = work.last_model_step, work.reply
    if step is None or reply is None:
        return None
    calls = tuple(Call(c.id, c.name, dict(c.arguments or {}), broken=c.arguments is None) for c in reply.calls)
    return Reply(
        calls=calls,
        truncated=reply.stop is Stop.TRUNCATED,
        refused=reply.stop is Stop.REFUSED,
        paused=reply.stop is Stop.PAUSED,
        outcome=step.data.get("outcome"),
        problems=tuple(step.data.get("problems", ())),
    )


def _view(action: Action) -> ActionView:
    ready = action.state != ActionState.APPROVED or _undo_window_is_over(action)
    return ActionView(action.pk, action.call_id, action.state, ready)


def _undo_window_is_over(action: Action) -> bool:
    request = request_of_action(action.pk)
    return request is None or request.execute_after is None or request.execute_after <= database_now()


def _used(work: Work) -> Used:
    # A person who gives the task back gives it a new allowance of turns.
    given_back = [step for step in work.steps if step.kind == StepKind.INSTRUCTION]
    return Used(
        turns=work.turn - (given_back[-1].data.get("turn", 0) if given_back else 0),
        actions=sum(action.attempts > 0 for action in work.actions),
        active_ms=work.run.active_ms,
        cost_usd=Decimal(work.run.cost_usd),
    )


def _last_spoken(work: Work) -> str:
    spoken = (StepKind.MODEL, StepKind.INSTRUCTION, StepKind.REPAIR)
    return next((step.kind for step in reversed(work.steps) if step.kind in spoken), "")
