"""Reading a run's structured end out of the model's last words. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from agents.plain import plain
from agents.tools.arguments import problems_of
from config import bounded_json

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)
MAX_BYTES = 256 * 1024


def outcome_of(text: str, schema: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, list[str]]:
    """Return (outcome, problems): the JSON object in the text when it fits the schema, else what is wrong with it.

    Without a schema any text ends the run; text that is no JSON object is kept as {"reasoning": text}.
    """
    value, problem = _parsed(text)
    if schema is None:
        return (value if value is not None else {"reasoning": text.strip()}), []
    if value is None:
        return None, [problem]
    problems = problems_of(schema, value)
    return (None, problems) if problems else (value, [])


def _parsed(text: str) -> tuple[dict[str, Any] | None, str]:
    fenced = _FENCED.match(text)
    try:
        value = bounded_json.loads((fenced[1] if fenced else text).strip().encode(), max_bytes=MAX_BYTES)
    except bounded_json.BadJson as error:
        return None, f"Your answer is not one JSON object: {error.message}"
    return (plain(value), "") if isinstance(value, dict) else (None, "Your answer must be one JSON object.")
