"""Integrity checks: what the world must look like before a call, read at proposal and again right before execution."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agents.guards.flags import Demand, Flag
from agents.tools.base import EnsureSpec, Tool
from agents.tools.lookups import look_at
from approvals.policy.conditions import ConditionError, Facts, compile_condition

ENSURE_VARIABLES = frozenset({"record", "item", "args"})
# Look-ups for one call: an order of a thousand lines is for a person.
MAX_LOOKUPS = 20


@dataclass(frozen=True, slots=True)
class Broken:
    """A check that does not hold, and whether the model may hear of it and do something else, or a person decides."""

    say: str
    about: str
    to_model: bool

    @property
    def flag(self) -> Flag:
        return Flag("ensure", self.say, Demand.PERSON, self.about)


def broken_checks(tool: Tool, arguments: Mapping[str, Any]) -> tuple[Broken, ...]:
    """Return the checks of the tool that do not hold in the world as it is now. Reads through tools; changes nothing."""
    return tuple(broken for one in tool.ensure for broken in _broken(tool, one, arguments))


def _broken(tool: Tool, one: EnsureSpec, arguments: Mapping[str, Any]) -> Iterator[Broken]:
    known = list(islice(_values(arguments, one.argument), MAX_LOOKUPS + 1))
    if len(known) > MAX_LOOKUPS:
        yield Broken(f"{one.argument} names more than {MAX_LOOKUPS} records, which nobody has looked at.", "", False)
        return
    if not known:
        yield Broken(f"{_said(one, '')} ({one.argument} is not given, so it could not be checked.)", "", False)
    for value, item in known:
        problem = _problem(tool, one, value, item, arguments)
        if problem is not None:
            yield problem


def _problem(
    tool: Tool, one: EnsureSpec, value: Any, item: Mapping[str, Any], arguments: Mapping[str, Any]
) -> Broken | None:
    shown = str(value)[:80]
    record = look_at(tool, one.by, value)
    if record is None:
        return Broken(
            f"{_said(one, shown)} ({one.by} brought nothing for {shown}, so it could not be checked.)", shown, False
        )
    try:
        if compile_condition(one.that, ENSURE_VARIABLES).holds(
            Facts({"record": record, "item": item, "args": arguments})
        ):
            return None
    except ConditionError as error:
        return Broken(f"{_said(one, shown)} (It could not be judged: {error.message}.)", shown, False)
    return Broken(_said(one, shown), shown, one.to_model)


def _said(one: EnsureSpec, shown: str) -> str:
    words = one.say or f"{one.by} says that this does not hold: {one.that}."
    return f"{words} ({shown})" if shown and shown not in words else words


def _values(value: Any, path: str, item: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield each value at the path, through lists, with the innermost list item it stands in."""
    if isinstance(value, (list, tuple)):
        for child in value:
            yield from _values(child, path, child if isinstance(child, Mapping) else item)
    elif not path:
        if value is not None:
            yield value, item or {}
    elif isinstance(value, Mapping):
        name, _, rest = path.partition(".")
        if name in value:
            yield from _values(value[name], rest, item)
