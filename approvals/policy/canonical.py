"""One value, one spelling: the bytes that are digested, shown, stored and sent.

A subset of RFC 8785 (JSON Canonicalization Scheme): keys sorted by UTF-16 code units, no white
space, shortest escapes. Numbers are whole (64 bit) or Decimals in plain notation with at most
15 significant digits, so that every JSON reader gets the same number. Floats are refused.

Source: https://www.rfc-editor.org/rfc/rfc8785 (2020-06).
"""

import hashlib
import math
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from config import bounded_json

MAX_DEPTH = 32
_MAX_DIGITS = 15
_MAX_FRACTION = 30


class NotCanonical(ValueError):
    """The value has no canonical form, or the bytes are not one."""


def canonical_bytes(value: Any) -> bytes:
    """Return the one spelling of value. Raises NotCanonical."""
    return _written(value, 0).encode("utf-8")


def parse_canonical(raw: bytes) -> Any:
    """Return the value of canonical bytes. Raises NotCanonical, also for JSON spelled otherwise."""
    try:
        value = bounded_json.loads(raw, max_depth=MAX_DEPTH, max_bytes=max(len(raw), 1))
    except bounded_json.BadJson as error:
        raise NotCanonical(error.message) from None
    if canonical_bytes(value) != raw:
        raise NotCanonical("These bytes are JSON, but not in their canonical spelling.")
    return value


def digest_of(raw: bytes) -> str:
    """Return the SHA-256 of the bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()


def exact(value: Any) -> Any:
    """Return value with every float turned into the number that its shortest spelling says.

    Whole ones become int, others Decimal. Raises NotCanonical for NaN, infinity and deep nesting.
    """
    return _exact(value, 0)


def as_json(value: Any) -> Any:
    """Return value for a JSON column: Decimals as floats, from which exact() gets the same number back."""
    if isinstance(value, Decimal):
        number = _exact_decimal(value)
        return number if isinstance(number, int) else float(number)
    if isinstance(value, Mapping):
        return {key: as_json(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(child) for child in value]
    return value


def _exact(value: Any, depth: int) -> Any:
    if isinstance(value, float):
        return _exact_float(value)
    if isinstance(value, Decimal):
        return _exact_decimal(value)
    if isinstance(value, Mapping):
        _check_depth(depth)
        return {key: _exact(child, depth + 1) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        _check_depth(depth)
        return [_exact(child, depth + 1) for child in value]
    return value


def _exact_float(value: float) -> int | Decimal:
    if not math.isfinite(value):
        raise NotCanonical(f"{value} is not a number that can be signed.")
    return _exact_decimal(Decimal(repr(value)))


def _exact_decimal(value: Decimal) -> int | Decimal:
    _check_range(value)
    return int(value) if value == value.to_integral_value() else value


def _written(value: Any, depth: int) -> str:
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    return _container(value, depth)


def _container(value: Any, depth: int) -> str:
    if isinstance(value, Mapping):
        _check_depth(depth)
        return "{" + ",".join(_pairs(value, depth + 1)) + "}"
    if isinstance(value, (list, tuple)):
        _check_depth(depth)
        return "[" + ",".join(_written(child, depth + 1) for child in value) + "]"
    raise NotCanonical(f"A {type(value).__name__} has no canonical form.")


def _pairs(value: Mapping[Any, Any], depth: int) -> list[str]:
    for key in value:
        if not isinstance(key, str):
            raise NotCanonical(f"The key {key!r} is not a text.")
    # surrogatepass: a broken key is refused by _text with its own sentence
    ordered = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return [f"{_text(key)}:{_written(value[key], depth)}" for key in ordered]


def _text(value: str) -> str:
    if "\x00" in value:
        raise NotCanonical("A text contains the character NUL.")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise NotCanonical("A text contains half of a surrogate pair.")
    return encode_basestring(value)


def _integer(value: int) -> str:
    if abs(value) > bounded_json.MAX_INT:
        raise NotCanonical("A whole number lies outside the 64-bit range.")
    return int.__repr__(value)


def _decimal(value: Decimal) -> str:
    number = _exact_decimal(value)
    if isinstance(number, int):
        return _integer(number)
    text = format(number, "f").rstrip("0")
    if len(text.lstrip("-0.").replace(".", "")) > _MAX_DIGITS:
        raise NotCanonical(f"{text} has more than {_MAX_DIGITS} significant digits.")
    return text


def _check_range(value: Decimal) -> None:
    # before any arithmetic: writing out 1E+999999999 would fill the memory
    if not value.is_finite():
        raise NotCanonical(f"{value} is not a number that can be signed.")
    if value and not -_MAX_FRACTION <= value.adjusted() <= len(str(bounded_json.MAX_INT)):
        raise NotCanonical("A number is too large or too small to be signed.")


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise NotCanonical(f"The value is nested more than {MAX_DEPTH} deep.")
