"""Reading what a vendor sent, which may be anything: the body as a value, and typed looks into it."""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from agents.providers.base import Retryable
from config import bounded_json

_UNSTORABLE = dict.fromkeys([0, *range(0xD800, 0xE000)], "�")
_LONGEST_NUMBER = 64
_LARGEST_EXPONENT = 308


class TwiceKeyed(dict[str, Any]):
    """An object in which one key stood twice: two readers would see two different things."""


def clean(text: str) -> str:
    """Return text that can be stored and sent: NUL and half surrogates are replaced."""
    if "\x00" not in text and text.isascii():
        return text
    return text.translate(_UNSTORABLE)


def body_of(raw: bytes) -> Mapping[str, Any]:
    """Return the JSON object of an answer; numbers exact. Raises Retryable when there is none."""
    if not raw.strip():
        raise Retryable("The provider answered with nothing.")
    try:
        value = json.loads(
            raw, object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise Retryable("The provider's answer was cut short or is not JSON.") from None
    if not isinstance(value, dict):
        raise Retryable("The provider's answer is not in the expected form.")
    return value


def text_in(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def count_in(value: Any) -> int | None:
    """Return a number of tokens, or None when the vendor did not say one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def map_in(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def maps_in(value: Any) -> Sequence[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def storable(value: Any) -> Any:
    """Return a copy fit for a JSON column: clean texts, plain numbers."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): storable(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(child) for child in value]
    return plain_number(value)


def plain_number(value: Any) -> Any:
    """Return a Decimal as the number that a JSON writer spells the same; what is no number as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else TwiceKeyed(found)


def _decimal(digits: str) -> Decimal | float:
    number = Decimal(digits) if len(digits) <= _LONGEST_NUMBER else None
    return math.inf if number is None or abs(number.adjusted()) > _LARGEST_EXPONENT else number


def _integer(digits: str) -> int | float:
    # Length first: turning a million digits into a number is itself the attack. What is out of range becomes
    # infinity, which no argument may be: so it spoils the one call that holds it and not the whole answer.
    return math.inf if len(digits) > 20 or abs(int(digits)) > bounded_json.MAX_INT else int(digits)


def _no_number(_: str) -> float:
    return math.nan
