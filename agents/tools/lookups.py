"""Reading the world around a call: what it is about, what must not change, whether it already happened.

A look-up is a read through another tool of the same connection, with a short time. One that brings nothing
answers None: the card then says so, and nothing is assumed.
"""

import logging
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agents.tools.base import CallContext, NotSent, OutcomeUnknown, Throttled, Tool, ToolError, ToolResult
from agents.tools.paths import value_at
from agents.tools.registry import get_tool
from approvals.policy.action import Effect
from approvals.policy.canonical import NotCanonical, canonical_bytes

log = logging.getLogger("countersign.lookups")

LOOKUP_S = 3.0
_TRIES = 2


def resolve_target(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the record that a call is about, as its `target` names it; None when there is none or it cannot be had."""
    if tool.target is None:
        return None
    return _looked_at(tool, tool.target.by, arguments, tool.target.argument)


def read_check(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the compared fields of the world check, by path; None when the tool has none or they cannot be had."""
    if tool.check is None:
        return None
    record = _looked_at(tool, tool.check.by, arguments, tool.target.argument if tool.target else "")
    return None if record is None else {path: _signable(value_at(record, path)) for path in tool.check.compare}


def look_up(tool: Tool, arguments: Mapping[str, Any], key: str) -> ToolResult | None:
    """Return what became of an earlier call of a queryable tool; None when it cannot be found, which proves nothing.

    The reader is asked for our reference: the call's own argument of that name where it has one, else its key.
    """
    if tool.lookup is None:
        return None
    reader = reader_of(tool, tool.lookup.by)
    if reader is None:
        return None
    reference = arguments.get(tool.lookup.argument, key)
    found = _read(reader, {tool.lookup.argument: reference})
    return found if found is not None and _is_something(found.data) else None


def look_at(tool: Tool, by: str, value: Any) -> dict[str, Any] | None:
    """Return the record that the reading tool `by` of the same connection gives for one value; None when it brings none."""
    reader = reader_of(tool, by)
    required = list(reader.schema.get("required", ())) if reader else []
    names = required or list(reader.schema.get("properties", {}) if reader else ())
    if reader is None or len(names) != 1:
        return None
    return _record(_read(reader, {names[0]: value}))


def readers_of(tool: Tool) -> list[str]:
    """Return the names of the tools that are read around a call of this one."""
    parts = [part for part in (tool.target, tool.check, tool.lookup, *tool.ensure) if part is not None]
    return [f"{tool.connection}.{part.by}" for part in parts]


def reader_of(tool: Tool, name: str) -> Tool | None:
    """Return the reading tool of that name in the same connection, or None."""
    reader = get_tool(f"{tool.connection}.{name}")
    return reader if reader is not None and reader.effect is Effect.READ else None


def arguments_for(reader: Tool, arguments: Mapping[str, Any], about: str) -> dict[str, Any] | None:
    """Return the reader's required arguments, taken from a call's: by name, or the one it is `about`; None when one is missing."""
    names = reader.schema.get("properties", {})
    required = list(reader.schema.get("required", ()))
    value = value_at(arguments, about) if about else None
    last = about.rpartition(".")[2]
    if value is not None and last in names and set(required) <= {last}:
        return {last: value}
    if value is not None and (len(required) == 1 or len(names) == 1):
        return {(required or list(names))[0]: value}
    if any(arguments.get(name) is None for name in required) or not required:
        return None
    return {name: arguments[name] for name in required}


def _looked_at(tool: Tool, by: str, arguments: Mapping[str, Any], about: str) -> dict[str, Any] | None:
    reader = reader_of(tool, by)
    asked = arguments_for(reader, arguments, about) if reader else None
    return _record(_read(reader, asked)) if reader and asked is not None else None


def _read(reader: Tool, arguments: Mapping[str, Any]) -> ToolResult | None:
    """Return the reader's answer, after a second try where the first said nothing."""
    deadline = time.monotonic() + LOOKUP_S
    for attempt in range(1, _TRIES + 1):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return reader.call(arguments, CallContext(key="", attempt=attempt, deadline_s=min(left, reader.timeout_s)))
        except (NotSent, OutcomeUnknown, Throttled) as error:
            log.warning("look-up with %s brought nothing: %s", reader.name, type(error).__name__)
        except ToolError as error:
            log.info("look-up with %s was refused (%s)", reader.name, error.status)
            break
    return None


def _record(result: ToolResult | None) -> dict[str, Any] | None:
    """Return the one record in an answer: an object, or a list of exactly one."""
    data = result.data if result is not None and not result.truncated else None
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    return {key: _signable_deep(value) for key, value in data.items()} if isinstance(data, dict) else None


def _is_something(data: Any) -> bool:
    """Return whether an answer holds a record: an empty list, also one inside an object, is none."""
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        return any(lists) if lists else bool(data)
    return bool(data)


def _signable(value: Any) -> Any:
    """Return the value, as text where it has no canonical form."""
    try:
        canonical_bytes(value)
    except NotCanonical:
        return str(value)
    return value


def _signable_deep(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict) and depth < 16:
        return {key: _signable_deep(child, depth + 1) for key, child in value.items()}
    if isinstance(value, list) and depth < 16:
        return [_signable_deep(child, depth + 1) for child in value]
    return (
        _signable(value)
        if isinstance(value, Decimal | int | float)
        else value
        if isinstance(value, str | None)
        else str(value)
    )
