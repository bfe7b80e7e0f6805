"""Lists that are short and made of documents: the same filters, pages and errors as for rows of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.request import Request

from approvals.rest.errors import ApiError
from approvals.rest.filters import PAGE_PARAMETERS
from approvals.rest.pages import limit_of, read_cursor, written_cursor

Item = Mapping[str, Any]


def listed_items(items: Sequence[Item], request: Request, *, fields: Sequence[str], by: str) -> dict[str, Any]:
    """Return the page of the items that the query asks for, ordered by a field that tells them apart."""
    _check_filters(request, fields)
    found = sorted((item for item in items if _is_wanted(item, request)), key=lambda item: str(item[by]))
    cursor, limit = request.query_params.get("cursor"), limit_of(request)
    if cursor:
        last = str(read_cursor(cursor))
        found = [item for item in found if str(item[by]) > last]
    more = len(found) > limit
    return {"results": found[:limit], "next": written_cursor(found[limit - 1][by]) if more else None}


def _is_wanted(item: Item, request: Request) -> bool:
    return all(_passes(item, name, request) for name in request.query_params if name not in PAGE_PARAMETERS)


def _check_filters(request: Request, fields: Sequence[str]) -> None:
    for name in request.query_params:
        if name not in PAGE_PARAMETERS and name not in fields:
            listed = ", ".join(sorted(fields))
            raise ApiError(400, "NO_SUCH_FILTER", f"There is no filter {name}. There are: {listed}.", filter=name)


def _passes(item: Item, name: str, request: Request) -> bool:
    texts = [part for text in request.query_params.getlist(name) for part in text.split(",")]
    return any(_matches(item.get(name), text) for text in texts)


def _matches(value: Any, text: str) -> bool:
    """Return whether a field says this: equal as text, one of a list, or a name in a mapping."""
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return text in [str(part) for part in value]
    return text == ("" if value is None else str(value))
