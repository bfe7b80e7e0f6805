"""JSON Schemas as each vendor's structured output takes them. The outcome is checked against the original anyway."""

from collections.abc import Mapping
from typing import Any

_UNSUPPORTED_WHEN_STRICT = ("allOf", "oneOf", "not", "if", "patternProperties", "dependentRequired", "prefixItems")
_TOOL_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}


def tool_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's schema with the two keys that every vendor asks for."""
    return {**_TOOL_SCHEMA, **schema}


def openai_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return name, schema and strict. Strict only where it changes nothing: every property required, none beside."""
    closed = _closed(schema)
    return {"name": "outcome", "schema": closed, "strict": True} if _is_strict(closed) else {
        "name": "outcome", "schema": dict(schema), "strict": False,
    }  # fmt: skip


def _closed(schema: Any) -> Any:
    """Return a copy in which objects that say nothing about further properties have none."""
    if isinstance(schema, list):
        return [_closed(child) for child in schema]
    if not isinstance(schema, Mapping):
        return schema
    copy = {key: _closed(child) for key, child in schema.items()}
    if copy.get("type") == "object" and "properties" in copy:
        copy.setdefault("additionalProperties", False)
    return copy


def _is_strict(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(_is_strict(child) for child in schema)
    if not isinstance(schema, Mapping):
        return True
    if any(key in schema for key in _UNSUPPORTED_WHEN_STRICT):
        return False
    return _is_closed_object(schema) and all(_is_strict(child) for child in schema.values())


def _is_closed_object(schema: Mapping[str, Any]) -> bool:
    if schema.get("type") != "object":
        return True
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return False
    return schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
