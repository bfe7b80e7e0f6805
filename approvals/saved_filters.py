"""Named lists of one person. A list is kept as the query of its address and read again like any other."""

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict

from approvals.errors import NotAllowed, NotFound
from approvals.inbox_wanted import LONGEST_QUERY, wanted_from
from approvals.models import SavedFilter

MOST = 30


def saved_filters(user: Any) -> Sequence[SavedFilter]:
    return list(SavedFilter.objects.filter(user=user).order_by("name")[:MOST])


def save_filter(*, user: Any, name: str, query: str) -> SavedFilter:
    """Keep this list under a name; the same name again replaces it."""
    name = " ".join(name.split())[:60]
    kept = wanted_from(QueryDict(query[:LONGEST_QUERY])).query
    if not name:
        raise NotAllowed("Give the list a name.")
    if not kept:
        raise NotAllowed("This is the whole inbox; narrow it first.")
    others = SavedFilter.objects.filter(user=user).exclude(name=name)
    if others.count() >= MOST:
        raise NotAllowed(f"You keep {MOST} lists already; delete one first.")
    return SavedFilter.objects.update_or_create(user=user, name=name, defaults={"query": kept})[0]


def delete_filter(*, user: Any, filter_id: int) -> None:
    if not SavedFilter.objects.filter(user=user, pk=filter_id).delete()[0]:
        raise NotFound("You keep no such list.")
