"""Constraints: what a rule says each argument must be before a call acts alone.

Forms, by dotted argument path:
    currency: [EUR]                 one of these values
    amount_minor: {max: 5000}       a whole number from 0 to 5000
    amount_minor: {min: 100}        a whole number from 100 up (says nothing of how high: pins nothing)
    order_id: event.order_id        equal to a value of the verified event, the target or the subject
    order_id: {equals: event.order_id}
Values are compared with their type: "5" is not 5, true is not 1, nothing equals null.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.policy.action import ProposedAction
from approvals.policy.canonical import NotCanonical, as_json, canonical_bytes, exact
from approvals.policy.trips import shown
from approvals.policy.verdict import Trip

MAX_VALUES = 200
_ARGUMENT = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*", re.ASCII)
_SOURCE = re.compile(r"(?:event|target)(?:\.[\w-]+)+|subject", re.ASCII)


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


class ConstraintError(ValueError):
    """A constraint that cannot be stored; the message says what to write."""


@dataclass(frozen=True, slots=True)
class OneOf:
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A whole number; None is no bound, and below zero is refused unless `low` says otherwise."""

    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Equals:
    path: str


Constraint = OneOf | Between | Equals


@dataclass(frozen=True, slots=True)
class Pin:
    """One argument and what it must be."""

    argument: str
    constraint: Constraint


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call does not act alone: the argument, a half sentence, and the value."""

    argument: str
    reason: str
    trip: Trip


def parse_constrain(document: Any) -> tuple[Pin, ...]:
    """Return the pins of a rule's `constrain`, sorted by argument. Raises ConstraintError."""
    if document is None:
        return ()
    if not isinstance(document, Mapping):
        raise ConstraintError("Write one line for each argument: argument: what it must be.")
    return tuple(Pin(_argument(key), _constraint(key, document[key])) for key in sorted(document, key=str))


def constrain_document(pins: Sequence[Pin]) -> dict[str, Any]:
    """Return the pins as they are stored: plain JSON, one spelling for each meaning."""
    return {pin.argument: _document(pin.constraint) for pin in pins}


def failures(pins: Sequence[Pin], action: ProposedAction) -> list[Failure]:
    """Return each pinned argument whose value is not what its pin says."""
    return [_failure(pin, action) for pin in pins if not _passes(pin, action)]


def unpinned(pins: Sequence[Pin], action: ProposedAction) -> list[Failure]:
    """Return each authority argument of the call that no pin holds fast."""
    held = [pin for pin in pins if _holds_fast(pin, pins, action)]
    return [_loose(path, action) for path in action.authority if not _is_held(path, held)]


def all_pass(pins: Sequence[Pin], action: ProposedAction) -> bool:
    """Return whether each pinned argument is what its pin says: `failures` without the words."""
    return all(_passes(pin, action) for pin in pins)


def all_pinned(pins: Sequence[Pin], action: ProposedAction) -> bool:
    """Return whether each authority argument is held fast: `unpinned` without the words."""
    held = [pin for pin in pins if _holds_fast(pin, pins, action)]
    return all(_is_held(path, held) for path in action.authority)


def says(constraint: Constraint) -> str:
    """Return what the constraint demands, as the end of a sentence that begins with the argument."""
    match constraint:
        case OneOf(values):
            return "is " + " or ".join(shown(value) for value in values)
        case Between(low, high):
            parts = [f"at least {low}"] if low is not None else []
            return "is " + " and ".join([*parts, *([f"at most {high}"] if high is not None else [])])
        case Equals(path):
            return f"equals {path}"


def at_path(value: Any, path: str) -> Any:
    """Return what stands at the dotted path, or MISSING. Whole numbers step into lists."""
    for step in path.split("."):
        if isinstance(value, (dict, Mapping)):
            value = value.get(step, MISSING)
        elif isinstance(value, (list, tuple)) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def _argument(key: Any) -> str:
    if isinstance(key, str) and _ARGUMENT.fullmatch(key):
        return key
    raise ConstraintError(f"{key!r} is not the name of an argument.")


def _constraint(key: str, value: Any) -> Constraint:
    if isinstance(value, str):
        return Equals(_path(key, value))
    if isinstance(value, (list, tuple)):
        return _one_of(key, value)
    if isinstance(value, Mapping) and set(value) == {"equals"}:
        return Equals(_path(key, value["equals"]))
    if isinstance(value, Mapping) and value and set(value) <= {"min", "max"}:
        return _between(key, value)
    raise ConstraintError(f"{key}: write a list of values, {{max: n}}, {{min: n}} or a path such as event.{key}.")


def _path(key: str, value: Any) -> str:
    if isinstance(value, str) and _SOURCE.fullmatch(value):
        return value
    raise ConstraintError(f"{key}: a path begins with event. or target., or is subject; a fixed value goes in a list.")


def _one_of(key: str, values: Sequence[Any]) -> OneOf:
    if not 0 < len(values) <= MAX_VALUES:
        raise ConstraintError(f"{key}: name 1 to {MAX_VALUES} values.")
    try:
        known = {canonical_bytes(exact(value)): exact(value) for value in values}
    except NotCanonical as error:
        raise ConstraintError(f"{key}: {error}") from None
    if b"null" in known:
        raise ConstraintError(f"{key}: null is no value to be held to.")
    return OneOf(tuple(known[spelling] for spelling in sorted(known)))


def _between(key: str, value: Mapping[str, Any]) -> Between:
    low, high = value.get("min"), value.get("max")
    if any(bound is not None and not _is_whole(bound) for bound in (low, high)) or low is high is None:
        raise ConstraintError(f"{key}: min and max are whole numbers, money in minor units.")
    if high is not None and high < (low or 0):
        raise ConstraintError(f"{key}: the maximum lies below the minimum.")
    return Between(low, high)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _document(constraint: Constraint) -> Any:
    match constraint:
        case OneOf(values):
            return [as_json(value) for value in values]
        case Between(low, high):
            return {key: bound for key, bound in (("min", low), ("max", high)) if bound is not None}
        case Equals(path):
            return path


def _passes(pin: Pin, action: ProposedAction) -> bool:
    value = at_path(action.arguments, pin.argument)
    match pin.constraint:
        case OneOf(values):
            return any(_same(value, allowed) for allowed in values)
        case Between(low, high):
            return _is_whole(value) and (low or 0) <= value and (high is None or value <= high)
        case Equals(path):
            return _same(value, _known(path, action))


def _same(one: Any, other: Any) -> bool:
    if one is MISSING or one is None or other is MISSING or other is None:
        return False
    if type(one) is str and type(other) is str and (one != other or one.isascii()):
        return one == other and "\x00" not in one  # as below, and ten times as fast
    try:
        return canonical_bytes(exact(one)) == canonical_bytes(exact(other))
    except NotCanonical:
        return False


def _known(path: str, action: ProposedAction) -> Any:
    if path == "subject":
        return action.subject or MISSING
    root, _, rest = path.partition(".")
    return at_path(action.event if root == "event" else action.target, rest)


def _holds_fast(pin: Pin, pins: Sequence[Pin], action: ProposedAction) -> bool:
    match pin.constraint:
        case OneOf():
            return True
        case Between(_, high):
            return high is not None
        case Equals(path):
            return not path.startswith("target.") or _target_is_given(pins, action)


def _target_is_given(pins: Sequence[Pin], action: ProposedAction) -> bool:
    """Return whether the argument that the target was looked up by is itself pinned, other than by the target."""
    return any(
        pin.argument == action.target_argument
        and not (isinstance(pin.constraint, Equals) and pin.constraint.path.startswith("target."))
        and not isinstance(pin.constraint, Between)
        for pin in pins
    )


def _is_held(path: str, held: Sequence[Pin]) -> bool:
    return any(path == pin.argument or path.startswith(f"{pin.argument}.") for pin in held)


def _failure(pin: Pin, action: ProposedAction) -> Failure:
    value = at_path(action.arguments, pin.argument)
    demand = says(pin.constraint)
    if isinstance(pin.constraint, Equals):
        path = pin.constraint.path
        reason = f"{pin.argument} must equal {path}, which is {_said(_known(path, action))}"
    else:
        reason = f"{pin.argument} is allowed alone only where it {demand}"
    return Failure(pin.argument, reason, Trip(f"{pin.argument} {demand}", _said(value)))


def _loose(path: str, action: ProposedAction) -> Failure:
    value = at_path(action.arguments, path)
    reason = f"the run has read foreign text and the rule does not pin {path}"
    return Failure(path, reason, Trip(f"{path} is pinned", _said(value)))


def _said(value: Any) -> str:
    return "nothing" if value is MISSING else shown(value)
