"""The arguments of an action as a reviewer reads them: typed by the tool's schema, whole, one line each. Pure.

Names come from the arguments themselves, never from a description in the schema, which a stranger may have written.
What the schema does not explain is shown raw and marked. A value too long to take in is folded and must be opened.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from approvals.money import exponent_of, major_text

MAX_PLAIN_CHARS, MAX_PLAIN_LINES, MAX_PLAIN_ITEMS, MAX_NESTING = 600, 12, 20, 4


class Kind(StrEnum):
    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    WHOLE = "whole"
    MONEY = "money"
    CHOICE = "choice"
    FLAG = "flag"
    JSON = "json"
    GROUP = "group"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Shown:
    """One argument. `text` is the whole value; `size` says how much there is when it is folded (`huge`)."""

    path: str
    label: str
    kind: Kind
    text: str
    note: str = ""
    explained: bool = True
    huge: bool = False
    size: str = ""


def shown_arguments(
    arguments: Mapping[str, Any], schema: Mapping[str, Any], money_paths: tuple[str, str] = ("", "")
) -> list[Shown]:
    """Every argument in order of the schema, then what the schema does not know. Nothing is left out."""
    money = _Money(money_paths[0], money_of(arguments, money_paths))
    return list(_fields(arguments, schema, schema, "", money, 0))


def money_of(arguments: Mapping[str, Any], money_paths: tuple[str, str]) -> tuple[int, str] | None:
    """The amount in minor units and its currency, when the arguments carry both."""
    amount, currency = at_path(arguments, money_paths[0]), at_path(arguments, money_paths[1])
    if isinstance(amount, int) and not isinstance(amount, bool) and isinstance(currency, str) and currency:
        return amount, currency
    return None


def at_path(value: Any, path: str) -> Any:
    """The value at a dotted path, or None."""
    if not path:
        return None
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def json_text(value: Any, indent: int = 0) -> str:
    """The value as indented JSON, with numbers written exactly as they are signed."""
    pad, inner = "  " * indent, "  " * (indent + 1)
    if isinstance(value, Mapping) and value:
        rows = [f"{inner}{_quoted(name)}: {json_text(item, indent + 1)}" for name, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{pad}}}"
    if isinstance(value, list | tuple) and value:
        return "[\n" + ",\n".join(inner + json_text(item, indent + 1) for item in value) + f"\n{pad}]"
    return format(value, "f") if isinstance(value, Decimal) else _quoted(value)


def flat_text(value: Any) -> str:
    """A JSON value as lines of path and value, easier to read than its brackets; for screens, never for what is signed."""
    if not isinstance(value, Mapping | list | tuple):
        return _leaf(value)
    return "\n".join(f"{path}: {_leaf(leaf)}" for path, leaf in _leaves(value, "")) or json_text(value)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, child in value.items():
            yield from _leaves(child, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, f"{path}[{index}]")
    else:
        yield path, value


def _leaf(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


def kind_of(value: Any, schema: Mapping[str, Any]) -> Kind | None:
    """How the schema means this value to be read; None when it does not explain it."""
    if value in schema.get("enum", ()) and isinstance(value, str):
        return Kind.CHOICE
    if "const" in schema:
        return Kind.TEXT if value == schema["const"] and isinstance(value, str) else None
    types = _types(schema)
    return next((kind for name, kind in _kinds_of(value) if name in types and not schema.get("enum")), None)


def resolved(schema: Any, root: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
    """The schema behind a local reference or a choice with null; {} when it is not one we can read."""
    if not isinstance(schema, Mapping) or depth > MAX_NESTING:
        return {}
    if "$ref" in schema:
        return resolved(local_schema(str(schema["$ref"]), root), root, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        branches = [branch for branch in schema.get(name, ()) if branch != {"type": "null"}]
        if len(branches) == 1:
            return {**resolved(branches[0], root, depth + 1), **{k: v for k, v in schema.items() if k != name}}
    return schema


def label_of(path: str) -> str:
    """A path as words: "customer.first_name" → "Customer, first name"."""
    return ", ".join(part.replace("_", " ").strip() or part for part in path.split(".")).capitalize()


@dataclass(frozen=True, slots=True)
class _Money:
    path: str
    amount: tuple[int, str] | None


def _fields(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str, money: _Money, depth: int
) -> Iterator[Shown]:
    properties = schema.get("properties", {})
    known = [name for name in properties if name in value]
    for name in [*known, *(name for name in value if name not in properties)]:
        # A name with a dot in it must not look like a path.
        path = f"{prefix}.{name}" if prefix else str(name)
        yield from _field(value[name], resolved(properties.get(name), root), root, path, money, depth)


def _field(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str, money: _Money, depth: int
) -> Iterator[Shown]:
    if path == money.path and money.amount:
        yield _money_line(path, money.amount)
    elif isinstance(value, Mapping) and value and schema.get("properties") and depth < MAX_NESTING:
        yield from _fields(value, schema, root, path, money, depth + 1)
    else:
        yield _line(path, value, schema)


def _money_line(path: str, amount: tuple[int, str]) -> Shown:
    minor, currency = amount
    label = label_of(path.removesuffix("_minor"))
    note = f"signed: {minor:,}" if exponent_of(currency) else ""
    return Shown(path, label, Kind.MONEY, f"{major_text(minor, currency)} {currency}", note)


def _line(path: str, value: Any, schema: Mapping[str, Any]) -> Shown:
    kind = kind_of(value, schema)
    if kind is None:
        text = json_text(value)
        note = "not in the tool's schema: cannot be explained"
        return Shown(path, label_of(path), Kind.JSON, text, note, explained=False, **_size(value, text))
    text = _text(value, kind)
    return Shown(path, label_of(path), kind, text, _count(value), **_size(value, text))


def _text(value: Any, kind: Kind) -> str:
    if value is None:
        return "nothing (null)"
    if kind is Kind.FLAG:
        return "yes" if value else "no"
    if isinstance(value, list) and value and all(isinstance(item, str | int) for item in value):
        return "\n".join(str(item) for item in value)
    if isinstance(value, str):
        return value or "(empty)"
    return json_text(value)


def _count(value: Any) -> str:
    return f"{len(value):,} items" if isinstance(value, list) and len(value) != 1 else ""


def _size(value: Any, text: str) -> dict[str, Any]:
    lines, items = text.count("\n") + 1, len(value) if isinstance(value, list) else 0
    huge = len(text) > MAX_PLAIN_CHARS or lines > MAX_PLAIN_LINES and not items or items > MAX_PLAIN_ITEMS
    words = [f"{items:,} items"] if items else []
    words += [f"{len(text):,} characters"] + ([f"{lines:,} lines"] if lines > 1 and not items else [])
    return {"huge": huge, "size": ", ".join(words)}


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    declared = schema.get("type", ())
    return (declared,) if isinstance(declared, str) else tuple(declared)


def _kinds_of(value: Any) -> list[tuple[str, Kind]]:
    """The schema types that this value can have, with the way each is shown."""
    if value is None:
        return [("null", Kind.JSON)]
    if isinstance(value, bool):
        return [("boolean", Kind.FLAG)]
    if isinstance(value, int):
        return [("integer", Kind.WHOLE), ("number", Kind.NUMBER)]
    if isinstance(value, Decimal | float):
        return [("number", Kind.NUMBER)]
    if isinstance(value, str):
        return [("string", Kind.LONG_TEXT if "\n" in value or "\r" in value or len(value) > 80 else Kind.TEXT)]
    return [("array" if isinstance(value, list) else "object", Kind.JSON)]


def local_schema(reference: str, root: Mapping[str, Any]) -> Any:
    """The part of the root schema that a reference names; None for one that leads elsewhere."""
    found: Any = root
    for part in reference.removeprefix("#/").split("/") if reference.startswith("#/") else ():
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if reference.startswith("#/") else None


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
