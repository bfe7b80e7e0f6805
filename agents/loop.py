"""The loop. One run, advanced from its journal until it waits or ends; meant to be read in one sitting.

Every pass reads the rows, asks the pure next_step what to do, and does that one thing in one transaction (two around a
network call). A worker may die anywhere: the next one reads the same rows and goes on from there.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from agents import endings, journal
from agents.acting import run_action
from agents.answers import tell_model
from agents.context import first_message
from agents.errors import LeaseLost
from agents.guards.screening import screen
from agents.judging import judge_calls
from agents.models import Run
from agents.next_step import (
    AskPerson,
    Call,
    Finish,
    HandOff,
    JudgeCalls,
    NextStep,
    Repair,
    RunAction,
    TakeTurn,
    TellModel,
    WaitForPerson,
    WaitUntilReady,
    next_step,
)
from agents.providers.base import ProviderError
from agents.reading import read_answers
from agents.selectors import halted_as
from agents.spending import room_for_run, room_for_tokens
from agents.states import StepKind
from agents.tools.lookups import readers_of
from agents.turn import take_turn
from agents.work import Work, load, progress_of
from approvals.database_clock import database_now
from approvals.halts import halted_scopes, scopes_of

log = logging.getLogger(__name__)
MAX_STALLED = 20


def advance_run(run: Run, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Take the claimed run as far as it goes: to a wait, to its end, or back to the queue when we are stopping.

    `run` carries the fence of the claim. Leaves quietly when another worker has taken over.
    """
    try:
        stalled = 0
        while not stopping() and stalled < MAX_STALLED:
            work, written = load(run), run.steps_written
            if not _begin(work) and _act(work, next_step(progress_of(work))):
                return
            stalled = stalled + 1 if run.steps_written == written else 0
        # Nothing is written when the policy changes under us again and again: let others go first.
        due = database_now() + timedelta(seconds=1 if stalled else 0)
        endings.back_to_queue(load(run), due_at=due, why="")
    except LeaseLost:
        log.info("run %s: another worker has taken over", run.pk)


def _begin(work: Work) -> bool:
    """Write what must stand in the journal before the next step is chosen. True: read the run again."""
    if not work.steps:
        with transaction.atomic():
            journal.append(work.run, StepKind.INPUT, _input(work))
        return True
    return read_answers(work)


def _input(work: Work) -> dict[str, Any]:
    """Return what the model reads first, and what looks manipulated in what came in."""
    run, hidden = work.run, work.placeholders()
    goal, subject = hidden.hide_text(run.goal), hidden.hide_text(run.subject)
    data: dict[str, Any] = {"text": first_message(goal, subject, hidden.hide(run.input))}
    findings = screen(run.input, "the event")
    return {**data, "findings": [finding.as_json() for finding in findings]} if findings else data


def _act(work: Work, step: NextStep) -> bool:
    """Do the one thing. Returns True when the run waits or has ended: it is no longer ours."""
    if stopped := _halted(work, step):
        return endings.pause(work, "Halted.", stopped)
    match step:
        case TakeTurn():
            return _turn(work)
        case JudgeCalls(call_ids):
            judge_calls(work, call_ids)
        case RunAction(action_id):
            return run_action(work, action_id)
        case TellModel(action_ids):
            tell_model(work, action_ids)
        case AskPerson(call):
            endings.ask_person(work, _in_plain(work, call))
        case WaitForPerson(why):
            return endings.wait_for_person(work, why)
        case WaitUntilReady(action_id):
            return endings.wait_for_undo_window(work, action_id)
        case Repair(problems):
            endings.ask_again(work, problems)
        case HandOff(code, why, call):
            why = work.placeholders().restore(why)
            return endings.hand_off(work, HandOff(code, why, _in_plain(work, call) if call else None))
        case Finish(outcome):
            return endings.finish(work, work.placeholders().restore(outcome))
    return False


def _in_plain(work: Work, call: Call) -> Call:
    """Return the call with real values where the model wrote placeholders: people read it."""
    return replace(call, arguments=work.placeholders().restore(call.arguments))


def _turn(work: Work) -> bool:
    limits, undoes = work.spec.limits, work.run.undoes_id is not None
    later = None if undoes else room_for_run(work.run, limits) or room_for_tokens(work.run, limits)
    if later:
        return endings.back_to_queue(work, due_at=later[0], why=later[1])
    try:
        take_turn(work)
    except ProviderError as error:
        return endings.provider_failed(work, error)
    return False


def _halted(work: Work, step: NextStep) -> frozenset[str]:
    """Return the scopes of halts that cover what the step would reach: the agent, or a tool that acts or looks up."""
    halts = halted_scopes()
    if not halts:
        return halts
    agent = halted_as(work.run)
    covering = set(scopes_of(agent=agent))
    for name in _reached(work, step):
        covering.update(scopes_of(agent=agent, tool=name, connection_name=name.partition(".")[0]))
    return halts & covering


def _reached(work: Work, step: NextStep) -> Iterator[str]:
    """Yield the names of the tools that the step calls, those of its look-ups with them."""
    match step:
        case JudgeCalls(call_ids):
            named = [call.name for call in (work.reply.calls if work.reply else ()) if call.id in call_ids]
            for tool in filter(None, map(work.tools.get, named)):
                yield from readers_of(tool)
        case RunAction(action_id):
            for action in work.actions:
                if action.pk == action_id:
                    yield action.tool
                    acting = work.tools.get(action.tool)
                    yield from readers_of(acting) if acting else ()
