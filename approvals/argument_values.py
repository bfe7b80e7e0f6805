"""One typed text as one exact value, and back. Nothing is rounded or guessed. Pure."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from approvals.arguments import Kind, json_text
from approvals.money import NotMoney, major_text, parse_money
from config import bounded_json

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)


class BadEdit(ValueError):
    """What was typed is not of the right kind; the text says what to write."""


def typed_text(value: Any, kind: Kind, currency: str = "") -> str:
    """The value as it stands in its input."""
    if kind is Kind.MONEY:
        return major_text(value, currency)
    if kind is Kind.FLAG:
        return "yes" if value else "no"
    if kind in (Kind.NUMBER, Kind.WHOLE):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return value if kind is not Kind.JSON and isinstance(value, str) else json_text(value)


def read_value(text: str, kind: Kind, currency: str = "") -> Any:
    """The value that this text says. Raises BadEdit."""
    if kind is Kind.MONEY:
        return _money(text, currency)
    return _READERS[kind](text)


def _money(text: str, currency: str) -> int:
    try:
        return parse_money(text, currency)
    except NotMoney as problem:
        raise BadEdit(str(problem)) from None


def _number(text: str) -> int | Decimal:
    typed = text.strip()
    if not _NUMBER.fullmatch(typed) or len(typed) > 40:
        raise BadEdit("Write a number like 12.5: digits and a point.")
    return Decimal(typed) if "." in typed else int(typed)


def _whole(text: str) -> int:
    typed = text.strip()
    if not _NUMBER.fullmatch(typed) or "." in typed or len(typed) > 19:
        raise BadEdit("Write a whole number, digits only.")
    return int(typed)


def _flag(text: str) -> bool:
    if text not in ("yes", "no"):
        raise BadEdit("Choose yes or no.")
    return text == "yes"


def _json(text: str) -> Any:
    try:
        return bounded_json.loads(text)
    except bounded_json.BadJson as problem:
        raise BadEdit(problem.message) from None


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: _number,
    Kind.WHOLE: _whole,
    Kind.FLAG: _flag,
    Kind.JSON: _json,
    Kind.TEXT: str,
    Kind.LONG_TEXT: str,
}
