"""Raw bytes to the value that agents see as `event`. Only ever called on bodies that are proven or given by a person."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from config import bounded_json

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 500
# What makes a text no JSON at all; the other refusals of bounded_json are JSON that nobody should send.
_NOT_JSON = frozenset({"syntax", "encoding"})


class UnreadablePayload(Exception):
    """The body says nothing that can be an event; the sentence is for people."""

    def __init__(self, sentence: str, *, not_json: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.not_json = not_json


def media_type(content_type: str) -> str:
    return content_type.split(";")[0].strip().lower()


def declares_json(content_type: str) -> bool:
    kind = media_type(content_type)
    return kind in {"application/json", "text/json"} or (kind.startswith("application/") and kind.endswith("+json"))


def read_payload(body: bytes, content_type: str) -> Any:
    """Return the value of a body: of a form its fields, of all else the JSON. Raises UnreadablePayload."""
    if media_type(content_type) == FORM:
        return _form(body)
    try:
        return bounded_json.loads(body, max_bytes=max(len(body), 1))
    except bounded_json.BadJson as error:
        not_json = error.code in _NOT_JSON or (error.code == "number" and _has_constants(body))
        raise UnreadablePayload(error.message, not_json=not_json) from None


def as_event(value: Any) -> dict[str, Any]:
    """Return the value as what rules and agents call `event`: an object; a list becomes its `items`.

    Raises UnreadablePayload for a bare text, number or null.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {"items": value}
    raise UnreadablePayload("The payload is a bare value. An event is an object or a list.")


def _has_constants(body: bytes) -> bool:
    """Return whether NaN or Infinity stands where a number belongs: Python reads them, JSON does not have them."""
    try:
        json.loads(body, parse_int=len, parse_float=len, parse_constant=_no_constant)
    except ValueError:
        return True
    return False


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise UnreadablePayload("The form cannot be read, or has too many fields.") from None
    return _with_json_inside(_joined(pairs))


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the fields; one that is there several times becomes a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if "\x00" in name + value:
            raise UnreadablePayload("A text contains the character NUL.")
        if name not in found:
            found[name] = value
        else:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
    return found


def _with_json_inside(form: dict[str, Any]) -> dict[str, Any]:
    """Return what Slack's buttons send: a form whose only field `payload` holds the JSON."""
    if list(form) != ["payload"] or not isinstance(form["payload"], str):
        return form
    try:
        inside = bounded_json.loads(form["payload"])
    except bounded_json.BadJson:
        return form
    return inside if isinstance(inside, dict) else form
