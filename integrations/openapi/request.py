"""Canonical arguments → the request. Pure. No argument can leave its place: not the path, not the header, not the body."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote, urlencode

from approvals.policy.canonical import NotCanonical, canonical_bytes
from integrations.openapi.operations import Operation, Placement

MAX_REQUEST_BYTES = 1024 * 1024
MAX_TARGET_CHARS = 8000
_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}


class BadArguments(ValueError):
    """The arguments cannot be written as a request; nothing was sent."""


def target_of(operation: Operation, arguments: Mapping[str, Any]) -> str:
    """Return path and query below the base URL, every value escaped. Raises BadArguments."""
    path = operation.path
    for placement in operation.placements:
        if placement.where == "path":
            path = path.replace("{" + placement.name + "}", _segment(placement, arguments.get(placement.argument)))
    query = "&".join(pair for p, value in _given(operation, arguments, "query") for pair in _pairs(p, value))
    target = f"{path}?{query}" if query else path
    if len(target) > MAX_TARGET_CHARS:
        raise BadArguments("The arguments are too long for an address.")
    return target


def headers_of(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that arguments fill. Raises BadArguments."""
    return {placement.name: _header(placement, value) for placement, value in _given(operation, arguments, "header")}


def body_of(operation: Operation, arguments: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the body, numbers written exactly as they were signed, and its content type. Raises BadArguments."""
    fields = {
        p.name: arguments[p.argument] for p in operation.placements if p.where == "body" and p.argument in arguments
    }
    whole = [arguments[p.argument] for p in operation.placements if p.where == "whole" and p.argument in arguments]
    if not operation.body_type or not (fields or whole or _is_body_required(operation)):
        return b"", ""
    if operation.body_type.startswith("application/x-www-form-urlencoded"):
        return urlencode(
            [pair for name, value in fields.items() for pair in _form(name, value)]
        ).encode(), operation.body_type
    content_type = operation.body_type if "*" not in operation.body_type else "application/json"
    return _limited(_json(whole[0] if whole else fields)), content_type


def _is_body_required(operation: Operation) -> bool:
    return any(p.where in ("body", "whole") and p.argument in operation.required for p in operation.placements)


def _given(operation: Operation, arguments: Mapping[str, Any], where: str) -> Iterator[tuple[Placement, Any]]:
    for placement in operation.placements:
        if placement.where == where and arguments.get(placement.argument) is not None:
            yield placement, arguments[placement.argument]


def _segment(placement: Placement, value: Any) -> str:
    text = ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
    if not text:
        raise BadArguments(f"{placement.argument} is empty. The address needs it.")
    if _climbs(text) or any(char < " " for char in text):
        raise BadArguments(f"{placement.argument} would change the address. Give a plain value.")
    return quote(text, safe="")


def _climbs(text: str) -> bool:
    """Return whether some server, decoding once or twice, could read the value as a step up."""
    for _ in range(3):
        if any(part in (".", "..") for part in text.replace("\\", "/").split("/")):
            return True
        text = unquote(text)
    return False


def _pairs(placement: Placement, value: Any) -> Iterator[str]:
    name = quote(placement.name, safe="")
    if placement.as_json:
        yield f"{name}={quote(_json(value).decode(), safe='')}"
    elif isinstance(value, list) and placement.explode:
        yield from (f"{name}={quote(_text(item), safe='')}" for item in value)
    elif isinstance(value, list):
        yield f"{name}={_SEPARATORS.get(placement.style, ',').join(quote(_text(item), safe='') for item in value)}"
    elif isinstance(value, Mapping):
        yield from _object_pairs(placement, value)
    else:
        yield f"{name}={quote(_text(value), safe='')}"


def _object_pairs(placement: Placement, value: Mapping[str, Any]) -> Iterator[str]:
    given = {key: part for key, part in value.items() if part is not None}
    if placement.style == "deepObject":
        yield from (
            f"{quote(f'{placement.name}[{key}]', safe='')}={quote(_text(part), safe='')}" for key, part in given.items()
        )
    elif placement.explode:
        yield from (f"{quote(key, safe='')}={quote(_text(part), safe='')}" for key, part in given.items())
    else:
        flat = ",".join(f"{quote(key, safe='')},{quote(_text(part), safe='')}" for key, part in given.items())
        yield f"{quote(placement.name, safe='')}={flat}"


def _header(placement: Placement, value: Any) -> str:
    text = (
        _json(value).decode()
        if placement.as_json
        else ",".join(map(_text, value))
        if isinstance(value, list)
        else _text(value)
    )
    if not text.isascii() or any(char < " " or char == "\x7f" for char in text):
        raise BadArguments(f"{placement.argument} has characters that a header cannot carry.")
    return text


def _form(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        yield from ((name, _text(item)) for item in value)
    elif isinstance(value, Mapping):
        yield from ((f"{name}[{key}]", _text(part)) for key, part in value.items() if part is not None)
    elif value is not None:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | Decimal):
        return "" if value is None else _json(value).decode()
    raise BadArguments("A list or an object inside a parameter cannot be written into an address.")


def _json(value: Any) -> bytes:
    try:
        return canonical_bytes(value)
    except NotCanonical as error:
        raise BadArguments(str(error)) from None


def _limited(body: bytes) -> bytes:
    if len(body) > MAX_REQUEST_BYTES:
        raise BadArguments("The arguments are larger than 1 MiB.")
    return body
