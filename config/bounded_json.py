"""The one JSON reader for text that others wrote. Everything odd is refused, nothing is repaired.

Two readers that understand one text differently are an attack (duplicate keys, huge numbers,
half surrogates, NUL), so every module that takes JSON from outside reads it here.
"""

import json
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64
MAX_BYTES = 1 << 20
MAX_INT = 2**63 - 1
_LONGEST_INT = len("-9223372036854775808")
_LONGEST_NUMBER = 64
_LARGEST_EXPONENT = 308


class BadJson(ValueError):
    """The text is not JSON that we accept. `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def loads(raw: bytes | str, *, max_depth: int = MAX_DEPTH, max_bytes: int = MAX_BYTES) -> Any:
    """Return the value that raw says: dict, list, str, int, Decimal, bool or None; never a float.

    max_depth: lists and objects inside each other; a plain value has depth 0.
    Raises BadJson with one of the codes size, encoding, syntax, depth, duplicate_key, number, text.
    """
    text = _decoded(raw, max_bytes)
    value = _parsed(text)
    _check_tree(value, max_depth)
    return value


def _decoded(raw: bytes | str, max_bytes: int) -> str:
    # surrogatepass, so that half a surrogate in a str is refused below like one in bytes
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if len(data) > max_bytes:
        raise BadJson("size", f"The JSON has {len(data)} bytes; at most {max_bytes} are read.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson("encoding", f"The JSON is not UTF-8 (byte {error.start}).") from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise BadJson("syntax", f"Not JSON: {error.msg} (character {error.pos}).") from None
    except RecursionError:
        raise BadJson("depth", "The JSON is nested far too deeply.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadJson("duplicate_key", f"The key {twice[:60]!r} appears twice in one object.")
    return found


def _integer(digits: str) -> int:
    # the length is checked first: turning 5,000 digits into a number is itself the attack
    if len(digits) > _LONGEST_INT or abs(int(digits)) > MAX_INT:
        raise BadJson("number", "A whole number lies outside the 64-bit range.")
    return int(digits)


def _decimal(digits: str) -> Decimal:
    if len(digits) > _LONGEST_NUMBER:
        raise BadJson("number", f"A number has more than {_LONGEST_NUMBER} characters.")
    number = Decimal(digits)
    # also a zero such as 0e999999: written out it would fill the memory
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise BadJson("number", "A number is too large or too small.")
    return number


def _constant(name: str) -> Any:
    raise BadJson("number", f"{name} is not a JSON number.")


def _check_tree(root: Any, max_depth: int) -> None:
    waiting: list[tuple[Any, int]] = [(root, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, (dict, list)):
            if depth > max_depth:
                raise BadJson("depth", f"The JSON is nested more than {max_depth} deep.")
            waiting.extend((child, depth + 1) for child in _children(value))


def _children(value: dict[str, Any] | list[Any]) -> list[Any]:
    return [*value.keys(), *value.values()] if isinstance(value, dict) else value


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise BadJson("text", "A text contains the character NUL.")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadJson("text", "A text contains half of a surrogate pair.")
