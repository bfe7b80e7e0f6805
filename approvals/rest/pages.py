"""Pages of a list by cursor: {"results": […], "next": cursor or null}. Rows that come or go meanwhile shift nothing."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from rest_framework.request import Request

from approvals.rest.errors import ApiError

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    next: str | None


def page_of(rows: QuerySet[M], request: Request, *, by: str) -> Page:
    """Return one page, ordered by a unique column ("-pk": newest first). Raises ApiError 400 for a bad limit or cursor."""
    limit = limit_of(request)
    column, descending = by.removeprefix("-"), by.startswith("-")
    rows = rows.order_by(by)
    cursor = request.query_params.get("cursor")
    if cursor:
        rows = _after(rows, f"{column}__{'lt' if descending else 'gt'}", read_cursor(cursor))
    found = list(rows[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], written_cursor(getattr(found[limit - 1], column)) if more else None)


def limit_of(request: Request) -> int:
    """Return how many rows a page may have. Raises ApiError 400."""
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_LIMIT):
        raise ApiError(400, "BAD_LIMIT", f"limit is a whole number from 1 to {MAX_LIMIT}.")
    return int(text)


def _after(rows: QuerySet[M], lookup: str, last: Any) -> QuerySet[M]:
    try:
        return rows.filter(**{lookup: last})
    except (ValidationError, ValueError, TypeError):
        raise _bad_cursor() from None


def written_cursor(last: Any) -> str:
    """Return the cursor that goes on after this value."""
    raw = json.dumps(last if isinstance(last, int) else str(last)).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str) -> Any:
    """Return the value that a cursor goes on after. Raises ApiError 400."""
    try:
        last = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None
    if not isinstance(last, (int, str)) or isinstance(last, bool) or "\x00" in str(last):
        raise _bad_cursor()
    return last


def _bad_cursor() -> ApiError:
    return ApiError(400, "BAD_CURSOR", "This cursor is not one that a list gave. Begin without one.")
