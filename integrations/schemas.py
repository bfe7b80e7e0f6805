"""A source's JSON Schema: is it one, and what does a payload lack? Patterns run in linear time (jsonschema-rs)."""

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs

MOST_PROBLEMS = 20
MAX_SCHEMA_BYTES = 200_000
_LONGEST_MESSAGE = 300


class BadSchema(ValueError):
    """The schema cannot be used; the sentence is for people."""


def check_schema(schema: Any) -> None:
    """Raise BadSchema when the value is no JSON Schema that we can hold payloads against."""
    if not isinstance(schema, Mapping):
        raise BadSchema("A schema is a JSON object.")
    text = json.dumps(schema, default=str)
    if len(text) > MAX_SCHEMA_BYTES:
        raise BadSchema(f"The schema is too large (at most {MAX_SCHEMA_BYTES} characters).")
    _validator(text)


def problems_of(schema: Mapping[str, Any] | None, value: Any) -> list[dict[str, str]]:
    """Return what is wrong with the value, as {"path", "message"}; nothing when there is no schema."""
    if not schema:
        return []
    try:
        validator = _validator(json.dumps(schema))
    except BadSchema as error:
        return [{"path": "", "message": f"The source's schema cannot be used: {error}"}]
    return _first_problems(validator, value)


def _first_problems(validator: Any, value: Any) -> list[dict[str, str]]:
    return [_problem(error) for error in islice(validator.iter_errors(value), MOST_PROBLEMS)]


def _problem(error: Any) -> dict[str, str]:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        return {"path": _path([*error.instance_path, error.kind.property]), "message": "is missing"}
    return {"path": _path(error.instance_path), "message": error.message[:_LONGEST_MESSAGE]}


def _path(parts: list[str | int]) -> str:
    """Return a path as people write it: lines[2].price."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@lru_cache(maxsize=256)
def _validator(text: str) -> Any:
    try:
        return jsonschema_rs.validator_for(
            json.loads(text),
            validate_formats=True,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000, dfa_size_limit=1_000_000),
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise BadSchema(f"This is not a usable JSON Schema: {str(error).splitlines()[0][:_LONGEST_MESSAGE]}") from None
