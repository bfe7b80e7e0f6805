"""Schemas of a document as plain JSON Schema (2020-12): 3.0 spellings translated, references kept as $defs.

A recursive schema stays a reference, so nothing here can run for ever. What only decorates is dropped;
what a caller cannot send (readOnly) too.
"""

from collections.abc import Mapping
from typing import Any

from agents.tools.arguments import is_linear_pattern
from integrations.openapi.document import Document
from integrations.openapi.text import as_name, plain

MAX_DESCRIPTION = 400
_COPIED = (
    "type", "enum", "const", "default", "format", "multipleOf", "maximum", "exclusiveMaximum", "minimum",
    "exclusiveMinimum", "maxLength", "minLength", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains",
    "maxProperties", "minProperties", "required", "dependentRequired",
)  # fmt: skip
_ONE = (
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
)
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_STRUCTURE = ("$ref", "properties", *_ONE, *_LIST)


class SchemaWriter:
    """Translates schemas of one document; what they refer to gathers in `defs`."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._names: dict[str, str] = {}
        self.defs: dict[str, Any] = {}

    def written(self, schema: Any) -> Any:
        """Return the schema as JSON Schema whose references lead to `defs`."""
        if not isinstance(schema, Mapping):
            return schema if isinstance(schema, bool) else {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._referring(reference, schema)
        return self._nullable(schema, self._body(schema))

    def is_read_only(self, schema: Any) -> bool:
        """Return whether a property of this schema is only ever answered, never sent."""
        if isinstance(schema, Mapping) and schema.get("readOnly") is True:
            return True
        followed = self._document.followed(schema)
        return isinstance(followed, Mapping) and followed.get("readOnly") is True

    def _referring(self, reference: str, schema: Mapping[str, Any]) -> Any:
        target = self._document.followed(schema)
        if isinstance(target, Mapping) and not any(key in target for key in _STRUCTURE):
            return {**self.written(target), **self._beside(schema)}
        return {"$ref": f"#/$defs/{self._named(reference)}", **self._beside(schema)}

    def _beside(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return what stands beside a reference: rules since 3.1, ignored in 3.0 as that version says."""
        if self._document.is_30:
            return {}
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return self._body(beside) if beside else {}

    def _named(self, reference: str) -> str:
        if reference not in self._names:
            name = _free_name(as_name(reference.rpartition("/")[2]) or "schema", self.defs)
            self._names[reference] = name
            self.defs[name] = {}  # taken before its content is written, which may refer to it
            self.defs[name] = self.written(self._document.at(reference))
        return self._names[reference]

    def _body(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {key: schema[key] for key in _COPIED if key in schema}
        text = plain(schema.get("description") or schema.get("title"), MAX_DESCRIPTION)
        if text:
            out["description"] = text
        if self._document.is_30:
            _modern_bounds(out)
        _linear_pattern(schema, out)
        out |= {key: self.written(schema[key]) for key in _ONE if key in schema}
        out |= {key: [self.written(part) for part in schema[key]] for key in _LIST if isinstance(schema.get(key), list)}
        self._add_properties(schema, out)
        return out

    def _add_properties(self, schema: Mapping[str, Any], out: dict[str, Any]) -> None:
        for key in ("properties", "dependentSchemas"):
            if isinstance(schema.get(key), Mapping):
                out[key] = {
                    name: self.written(part) for name, part in schema[key].items() if not self.is_read_only(part)
                }
        patterns = schema.get("patternProperties")
        if isinstance(patterns, Mapping) and all(is_linear_pattern(pattern) for pattern in patterns):
            out["patternProperties"] = {pattern: self.written(part) for pattern, part in patterns.items()}
        if "required" in out and "properties" in out:
            unsendable = set(schema["properties"]) - set(out["properties"])
            out["required"] = [name for name in out["required"] if name not in unsendable]

    def _nullable(self, schema: Mapping[str, Any], out: dict[str, Any]) -> dict[str, Any]:
        if not self._document.is_30 or schema.get("nullable") is not True:
            return out
        if isinstance(out.get("type"), str) and not any(key in out for key in ("allOf", "anyOf", "oneOf", "not")):
            nullable = {**out, "type": [out["type"], "null"]}
            if "enum" in out and None not in out["enum"]:
                nullable["enum"] = [*out["enum"], None]
            return nullable
        return {"anyOf": [out, {"type": "null"}]}


def _modern_bounds(out: dict[str, Any]) -> None:
    """Turn 3.0's `exclusiveMaximum: true` beside `maximum` into the number itself."""
    for bound in ("Maximum", "Minimum"):
        exclusive, inclusive = f"exclusive{bound}", bound.lower()
        if isinstance(out.get(exclusive), bool) and out.pop(exclusive) and inclusive in out:
            out[exclusive] = out.pop(inclusive)


def _linear_pattern(schema: Mapping[str, Any], out: dict[str, Any]) -> None:
    """Keep a pattern we can match in linear time; any other is left to the other side and only described."""
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return
    if is_linear_pattern(pattern):
        out["pattern"] = pattern
    else:
        out["description"] = plain(f"{out.get('description', '')} Must match {pattern}", MAX_DESCRIPTION)


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
