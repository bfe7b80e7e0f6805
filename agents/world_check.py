"""The world check as a reviewer sees it: each watched value as it is now, and what the call would make of it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.tools.base import CheckSpec
from agents.tools.paths import value_at
from approvals.arguments import label_of
from approvals.money import money_text


def check_card(
    check: CheckSpec, checked: Mapping[str, Any] | None, arguments: Mapping[str, Any], currency: str, now: datetime
) -> dict[str, Any]:
    """Return {"tool", "read_at", "rows": [[name, before, after or ""], …]}; "problem" where it could not be read."""
    if checked is None:
        said = "It could not be read, so nobody knows how it stands now."
        return {"tool": check.by, "read_at": "", "rows": [], "problem": said}
    after = dict(check.after)
    rows = [_row(path, checked.get(path), after.get(path, ""), arguments, currency) for path in check.compare]
    return {"tool": check.by, "read_at": now.isoformat(), "rows": rows}


def check_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, currency: str) -> list[list[str]]:
    """Return [name, value when first asked, value now] for what is another one than it was."""
    old, new = before or {}, after or {}
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    return [[_name(path), _text(path, old.get(path), currency), _text(path, new.get(path), currency)] for path in paths]


def _row(path: str, before: Any, rule: str, arguments: Mapping[str, Any], currency: str) -> list[str]:
    then = _after(before, rule, arguments)
    return [_name(path), _text(path, before, currency), "" if then is None else _text(path, then, currency)]


def _after(before: Any, rule: str, arguments: Mapping[str, Any]) -> Any:
    """What the call would make of the value; None where that cannot be told."""
    if not rule:
        return None
    sign, path = rule[0], rule[1:]
    if sign == "=":
        return value_at(arguments, path)
    if sign not in "+-":
        return rule
    change = value_at(arguments, path)
    if not _is_number(before) or not _is_number(change):
        return None
    return before + change if sign == "+" else before - change


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _name(path: str) -> str:
    return label_of(path.removesuffix("_minor"))


def _text(path: str, value: Any, currency: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if path.endswith("_minor") and currency and isinstance(value, int):
        return money_text(value, currency)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
