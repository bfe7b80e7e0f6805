"""What a person who takes a run over must know: what it did, what it found out, what went wrong. Goes onto the card."""

from collections.abc import Iterator
from typing import Any

from agents.cards import flat_fields
from agents.models import Action
from agents.states import ActionState, StepKind
from agents.work import Work
from approvals.policy.action import Effect

MOST_LOOK_UPS, MOST_FIELDS, LONGEST_VALUE = 12, 40, 600


def situation_of(work: Work) -> dict[str, Any]:
    """Return `done` (what was tried, and its state), `found` (what look-ups said; foreign text) and `error`."""
    found = [_piece(action) for action in work.actions if _is_found(action)]
    return {"done": _what_was_done(work), "found": found[-MOST_LOOK_UPS:], "error": _last_error(work)}


def _what_was_done(work: Work) -> list[list[str]]:
    return [[action.sentence, action.state] for action in work.actions if action.attempts and not _is_found(action)]


def _is_found(action: Action) -> bool:
    return action.effect == Effect.READ and action.state == ActionState.SUCCEEDED


def _piece(action: Action) -> dict[str, Any]:
    fields = [[path, _cut(value)] for path, value in flat_fields(action.result)]
    return {"title": action.sentence or action.tool, "fields": fields[:MOST_FIELDS]}


def _last_error(work: Work) -> str:
    """Return the newest error, of an action or of the model; "" when nothing went wrong."""
    return next(_errors(work), "")


def _errors(work: Work) -> Iterator[str]:
    for step in reversed(work.steps):
        if step.kind == StepKind.MODEL_FAILED:
            yield f"{step.data.get('error', 'The model failed')}: {step.data.get('message', '')}"
        action = next((one for one in work.actions if one.pk == step.action_id), None)
        if action is not None and action.error:
            yield f"{action.tool}: {action.error}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text)} characters in all)"
