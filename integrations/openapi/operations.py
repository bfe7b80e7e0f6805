"""Operations of a document as calls with one flat set of arguments.

Path, query, header and body parameters become arguments of one object. Where two have the same name, the one
that comes first in that order keeps it and the other gets its place as a prefix (`body_id`), so that the same
document always gives the same names. What cannot be called is left out with the reason.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.tools.arguments import BadSchema, check_schema
from integrations.openapi.document import BadDocument, Document
from integrations.openapi.schemas import SchemaWriter
from integrations.openapi.text import as_name, plain

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
WRITABLE_METHODS = ("get", "put", "post", "delete", "patch")
KEY_HEADER = "idempotency-key"
MAX_SCHEMA_BYTES = 64 * 1024
MAX_OPERATIONS = 500
_MAX_NAME = 48
_MAX_DESCRIPTION = 900
# By the specification these are never parameters; the product or the HTTP library sets them.
OUR_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_FITTING = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORM = "application/x-www-form-urlencoded"
_AS_UNDERSCORES = str.maketrans("/", "_", "{}")
_COMPOSED = ("oneOf", "anyOf", "not", "if", "patternProperties")
_STYLES = {"path": "simple", "header": "simple", "query": "form"}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one argument goes. where: path, query, header, body (a field) or whole (the entire body)."""

    argument: str
    where: str
    name: str
    style: str = ""
    explode: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One callable operation. body_type is "" when it has no body."""

    name: str
    operation_id: str
    method: str
    path: str
    description: str
    schema: Mapping[str, Any]
    placements: tuple[Placement, ...]
    body_type: str = ""
    key_header: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(placement.argument for placement in self.placements)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.schema.get("required", ()))

    def without_header(self, header: str) -> "Operation":
        """Return the operation without the argument for a header that the product itself sets."""
        gone = {p.argument for p in self.placements if p.where == "header" and p.name.lower() == header.lower()}
        if not gone:
            return self
        properties = {name: part for name, part in self.schema["properties"].items() if name not in gone}
        required = [name for name in self.required if name not in gone]
        kept = tuple(p for p in self.placements if p.argument not in gone)
        return replace(self, schema={**self.schema, "properties": properties, "required": required}, placements=kept)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation that cannot be a tool, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    operations: tuple[Operation, ...]
    left_out: tuple[LeftOut, ...]


class _CannotCall(Exception):
    pass


def operations_of(document: Document) -> Imported:
    """Return every operation that can be called, in document order, and those that cannot."""
    found: list[Operation] = []
    left_out: list[LeftOut] = []
    for path, item, method, operation in _entries(document):
        what = f"{method.upper()} {path}"
        try:
            if len(found) >= MAX_OPERATIONS:
                raise _CannotCall(f"only the first {MAX_OPERATIONS} operations are taken")
            found.append(_operation(document, path, item, method, operation, {known.name for known in found}))
        except (_CannotCall, BadDocument, BadSchema) as reason:
            left_out.append(LeftOut(what, str(reason)))
    return Imported(tuple(found), tuple(left_out))


def _entries(document: Document) -> Iterator[tuple[str, Mapping[str, Any], str, Mapping[str, Any]]]:
    for path, reference in document.content.get("paths", {}).items():
        item = document.followed(reference)
        for method in METHODS:
            if isinstance(item, Mapping) and isinstance(item.get(method), Mapping):
                yield path, item, method, item[method]


def _operation(
    document: Document, path: str, item: Mapping[str, Any], method: str, operation: Mapping[str, Any], taken: set[str]
) -> Operation:
    if method not in WRITABLE_METHODS:
        raise _CannotCall(f"{method.upper()} is not a call that an agent makes")
    arguments = _Arguments(document)
    key_header = ""
    for parameter in _parameters(document, item, operation):
        if parameter["in"] == "header" and parameter["name"].lower() == KEY_HEADER:
            key_header = parameter["name"]
        else:
            arguments.add_parameter(parameter)
    body_type = arguments.add_body(document.followed(operation.get("requestBody")))
    _check_path(path, arguments.placements)
    return Operation(
        name=_name(operation.get("operationId"), method, path, taken),
        operation_id=str(operation.get("operationId") or ""),
        method=method.upper(),
        path=path,
        description=_description(operation, item),
        schema=arguments.schema(),
        placements=tuple(arguments.placements),
        body_type=body_type,
        key_header=key_header,
    )


class _Arguments:
    """Gathers the parameters of one operation into one object schema."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._writer = SchemaWriter(document)
        self._properties: dict[str, Any] = {}
        self._required: list[str] = []
        self.placements: list[Placement] = []

    def add_parameter(self, parameter: Mapping[str, Any]) -> None:
        where, name = parameter["in"], parameter["name"]
        required = parameter.get("required") is True or where == "path"
        if where == "header" and name.lower() in OUR_HEADERS:
            return
        if where == "cookie":
            if required:
                raise _CannotCall(f"it needs the cookie {name}")
            return
        schema, as_json = self._schema_of(parameter)
        style = str(parameter.get("style") or _STYLES[where])
        explode = bool(parameter.get("explode", style == "form"))
        argument = self._free(where, name)
        self._put(argument, schema, parameter.get("description"), required=required)
        self.placements.append(Placement(argument, where, name, style, explode, as_json))

    def add_body(self, body: Any) -> str:
        """Add the request body's fields, or the body as one argument. Returns its content type."""
        if not isinstance(body, Mapping):
            return ""
        content = body.get("content", {})
        content_type = _body_type(content)
        if not content_type:
            if body.get("required") is True:
                raise _CannotCall(f"its body is {', '.join(content) or 'of no known type'}, not JSON")
            return ""
        schema = content[content_type].get("schema", {})
        required = body.get("required") is True
        shape = _flat_object(self._document, schema)
        if shape is None and content_type.startswith(_FORM):
            raise _CannotCall("its form is not a plain list of fields")
        if shape is None:
            self._add_whole(schema, body.get("description"), required=required)
        else:
            self._add_fields(shape, required=required)
        return content_type

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": self._properties,
            "required": self._required,
            "additionalProperties": False,
        }
        if self._writer.defs:
            schema["$defs"] = self._writer.defs
        if len(str(schema)) > MAX_SCHEMA_BYTES:
            raise _CannotCall("its arguments are too large to describe to a model")
        check_schema(schema)
        return schema

    def _add_whole(self, schema: Any, description: Any, *, required: bool) -> None:
        argument = self._free("body", "body")
        self._put(argument, schema, description, required=required)
        self.placements.append(Placement(argument, "whole", "body"))

    def _add_fields(self, shape: "_Shape", *, required: bool) -> None:
        for name, schema in shape.properties.items():
            if self._writer.is_read_only(schema):
                continue
            argument = self._free("body", name)
            self._put(argument, schema, None, required=required and name in shape.required)
            self.placements.append(Placement(argument, "body", name))

    def _schema_of(self, parameter: Mapping[str, Any]) -> tuple[Any, bool]:
        if "schema" in parameter:
            return parameter["schema"], False
        for content_type, media in parameter.get("content", {}).items():
            if _is_json(content_type):
                return media.get("schema", {}), True
        raise _CannotCall(f"its parameter {parameter['name']} is not JSON")

    def _put(self, argument: str, schema: Any, description: Any, *, required: bool) -> None:
        written = self._writer.written(schema)
        written = dict(written) if isinstance(written, Mapping) else {}
        text = plain(description, 400)
        if text:
            written["description"] = text
        self._properties[argument] = written
        if required:
            self._required.append(argument)

    def _free(self, where: str, name: str) -> str:
        plain_name = _argument_name(name)
        candidate, number = plain_name, 1
        while candidate in self._properties:
            candidate = f"{where}_{plain_name}" if number == 1 else f"{where}_{plain_name}_{number}"
            number += 1
        return candidate


@dataclass(frozen=True, slots=True)
class _Shape:
    properties: Mapping[str, Any]
    required: frozenset[str]


def _flat_object(document: Document, schema: Any, depth: int = 0) -> _Shape | None:
    """Return the fields of an object schema (allOf merged), or None when it is not simply an object with fields."""
    schema = document.followed(schema)
    if depth > 8 or not isinstance(schema, Mapping) or any(key in schema for key in _COMPOSED):
        return None
    if schema.get("type", "object") != "object" or (document.is_30 and schema.get("nullable") is True):
        return None
    parts = [_flat_object(document, part, depth + 1) for part in schema.get("allOf", [])]
    properties: dict[str, Any] = {}
    required = set(schema.get("required", ()))
    for part in parts:
        if part is None or properties.keys() & part.properties.keys():
            return None
        properties |= part.properties
        required |= part.required
    if properties.keys() & schema.get("properties", {}).keys():
        return None
    properties |= schema.get("properties", {})
    return _Shape(properties, frozenset(required)) if properties or depth else None


def _parameters(document: Document, item: Mapping[str, Any], operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parameters of path and operation, the operation's own winning, in order of place."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for listed in (item.get("parameters", []), operation.get("parameters", [])):
        for reference in listed:
            parameter = document.followed(reference)
            found[parameter["in"], parameter["name"]] = parameter
    order = {"path": 0, "query": 1, "header": 2, "cookie": 3}
    return sorted(found.values(), key=lambda parameter: order.get(parameter["in"], 4))


def _check_path(path: str, placements: list[Placement]) -> None:
    declared = {p.name for p in placements if p.where == "path"}
    missing = {part.partition("}")[0] for part in path.split("{")[1:]} - declared
    if missing:
        raise _CannotCall(f"its path names {', '.join(sorted(missing))}, which no parameter describes")
    if any(p.where == "path" and (p.style != "simple" or p.as_json) for p in placements):
        raise _CannotCall("its path uses a style of parameters that is not supported")


def _body_type(content: Mapping[str, Any]) -> str:
    ranked = [name for name in content if _is_json(name)] + [
        name for name in content if name.partition(";")[0] == _FORM
    ]
    return ranked[0] if ranked else ""


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("application/json", "*/*", "application/*") or kind.endswith("+json")


def _argument_name(name: str) -> str:
    """Return a name that every model provider takes and that a dotted path can hold."""
    return name if _FITTING.fullmatch(name) else as_name(name)[:64] or "value"


def _name(operation_id: Any, method: str, path: str, taken: set[str]) -> str:
    made = as_name(str(operation_id)) if operation_id else ""
    name = made or as_name(f"{method}{path}".translate(_AS_UNDERSCORES)) or method
    if len(name) > _MAX_NAME:
        name = f"{name[: _MAX_NAME - 7]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _description(operation: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    summary = plain(operation.get("summary") or item.get("summary"), 200)
    text = plain(operation.get("description") or item.get("description"), _MAX_DESCRIPTION)
    both = text if not summary or text.startswith(summary) else f"{summary.rstrip('.')}. {text}".strip()
    return plain(f"Deprecated. {both}" if operation.get("deprecated") is True else both, _MAX_DESCRIPTION)
