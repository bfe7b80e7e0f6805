"""Arguments of a tool call: read strictly, numbers exact, and a sentence for the model when they cannot be read."""

import json
from collections.abc import Mapping
from typing import Any

from agents.providers.base import ToolCall
from agents.providers.foreign import TwiceKeyed, clean, storable
from approvals.policy.canonical import MAX_DEPTH, NotCanonical, canonical_bytes, exact
from config import bounded_json

MAX_BYTES = 256 * 1024
CUT_OFF = "The answer was cut off at its length limit, so this call may be incomplete. Nothing was done."


def call_from_text(call_id: str, name: str, raw: str) -> ToolCall:
    """Return the call whose arguments a vendor gave as JSON text; no text at all means no arguments."""
    arguments, problem = read_arguments(raw)
    return ToolCall(call_id, clean(name), arguments, clean(raw[:MAX_BYTES]), problem)


def call_from_value(call_id: str, name: str, value: Any) -> ToolCall:
    """Return the call whose arguments a vendor gave as a JSON value."""
    problem = _problem_of(value)
    if problem:
        return ToolCall(call_id, clean(name), None, _excerpt(value), problem)
    raw = canonical_bytes(exact(value)).decode()
    return ToolCall(call_id, clean(name), read_arguments(raw)[0], raw)


def read_arguments(raw: str) -> tuple[Mapping[str, Any] | None, str]:
    """Return (arguments, "") or (None, what is wrong with them)."""
    try:
        value = exact(bounded_json.loads(raw if raw.strip() else "{}", max_depth=MAX_DEPTH, max_bytes=MAX_BYTES))
    except bounded_json.BadJson as error:
        return None, f"The arguments could not be read. {error.message}"
    except NotCanonical as error:
        return None, f"The arguments could not be read. {error}"
    problem = _problem_of(value)
    return (None, problem) if problem else (value, "")


def broken(call: ToolCall, problem: str) -> ToolCall:
    return ToolCall(call.id, call.name, None, call.raw, problem)


def _problem_of(value: Any) -> str:
    if not isinstance(value, dict):
        return "The arguments must be a JSON object."
    if _twice_keyed(value):
        return "The arguments could not be read. A key appears twice in one object."
    try:
        too_long = len(canonical_bytes(exact(value))) > MAX_BYTES
    except NotCanonical as error:
        return f"The arguments could not be read. {error}"
    return "The arguments are too long." if too_long else ""


def _twice_keyed(root: Any) -> bool:
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, TwiceKeyed):
            return True
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


def _excerpt(value: Any) -> str:
    try:
        return json.dumps(storable(value), ensure_ascii=False)[:2000]
    except (ValueError, RecursionError):
        return ""
