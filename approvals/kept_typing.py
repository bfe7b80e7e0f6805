"""What a person had typed on a card before they were sent to sign in again: kept in their session, given back once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import QueryDict

_KEY, MOST_CHARS = "typed_on_a_card", 64_000
# Never the vote: signing in is no signature.
_FIELDS = ("comment", "answer", "typed", "mode", "reason_code")
_OF_THE_FORM = ("arg-", "has-", "rows-")


def keep_typed(session: Any, request_id: UUID, post: QueryDict) -> None:
    """Keep what was typed on this card, in place of what was kept of another; too much is not kept."""
    kept = {name: post.get(name, "") for name in post if name in _FIELDS or name.startswith(_OF_THE_FORM)}
    if sum(len(name) + len(text) for name, text in kept.items()) <= MOST_CHARS:
        session[_KEY] = {"request": str(request_id), "typed": kept}


def typed_before(session: Any, request_id: UUID) -> Mapping[str, str]:
    """Return what was typed on this card before the sign-in, once; empty when there is nothing."""
    kept = session.get(_KEY)
    if not kept or kept["request"] != str(request_id):
        return {}
    typed: Mapping[str, str] = session.pop(_KEY)["typed"]
    return typed
