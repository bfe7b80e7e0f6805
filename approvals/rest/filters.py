"""Filters of a list: ?state=open,approved&agent=refund-clerk. Commas mean or; different filters mean and."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from approvals.rest.errors import ApiError

PAGE_PARAMETERS = frozenset({"limit", "cursor", "format"})
MAX_VALUES = 100
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter. `read` turns a text into a value or raises ValueError; `where` is a lookup, or makes the condition."""

    where: str | Callable[[Any], Q]
    read: Callable[[str], Any] = str
    expects: str = "a text"

    def condition(self, value: Any) -> Q:
        return Q(**{self.where: value}) if isinstance(self.where, str) else self.where(value)


def text(where: str | Callable[[Any], Q]) -> Filter:
    return Filter(where)


def uuid(where: str | Callable[[Any], Q]) -> Filter:
    return Filter(where, UUID, "a UUID")


def whole(where: str | Callable[[Any], Q]) -> Filter:
    return Filter(where, _whole, "a whole number")


def number(where: str | Callable[[Any], Q]) -> Filter:
    return Filter(where, _decimal, "a number")


def boolean(where: str | Callable[[Any], Q]) -> Filter:
    return Filter(where, _boolean, "true or false")


def since(column: str) -> Filter:
    return Filter(f"{column}__gte", _moment, "a time as 2026-11-21T09:00:00Z, from then on")


def until(column: str) -> Filter:
    return Filter(f"{column}__lte", _moment, "a time as 2026-11-21T09:00:00Z, up to then")


def filtered(rows: QuerySet[M], request: Request, filters: Mapping[str, Filter]) -> QuerySet[M]:
    """Return the rows that the query asks for. Raises ApiError 400 for a filter there is not, or a value that is none."""
    for name in request.query_params:
        if name in PAGE_PARAMETERS:
            continue
        if name not in filters:
            listed = ", ".join(sorted(filters))
            raise ApiError(400, "NO_SUCH_FILTER", f"There is no filter {name}. There are: {listed}.", filter=name)
        rows = rows.filter(_any_of(name, filters[name], request.query_params.getlist(name)))
    return rows


def _any_of(name: str, chosen: Filter, texts: list[str]) -> Q:
    values = [part for text_ in texts for part in text_.split(",")]
    if len(values) > MAX_VALUES:
        raise ApiError(400, "BAD_FILTER", f"{name}: At most {MAX_VALUES} values.", filter=name)
    condition = Q(pk__in=[])
    for value in values:
        condition |= _one(name, chosen, value)
    return condition


def _one(name: str, chosen: Filter, value: str) -> Q:
    try:
        if "\x00" in value:
            raise ValueError
        return chosen.condition(chosen.read(value))
    except ValueError:
        raise ApiError(400, "BAD_FILTER", f"{name}: This is not {chosen.expects}.", filter=name) from None


def _whole(value: str) -> int:
    found = int(value)
    if abs(found) >= 2**63:
        raise ValueError
    return found


def _decimal(value: str) -> Decimal:
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError from None
    if not found.is_finite() or abs(found.adjusted()) > 30:
        raise ValueError
    return found


def _boolean(value: str) -> bool:
    if value.lower() in ("1", "true", "yes"):
        return True
    if value.lower() in ("0", "false", "no"):
        return False
    raise ValueError


def _moment(value: str) -> datetime:
    # A plus sign in a query is a space to whoever forgot to encode it.
    found = parse_datetime(value.replace(" ", "+"))
    if found is None or found.tzinfo is None:
        raise ValueError
    return found
