"""Which requests are alike enough to be decided together, and which must be looked at alone. Asks no database."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from approvals.arguments import Shown
from approvals.models import Request
from approvals.new_request import Opening
from approvals.states import RequestClass, RequestKind, RequestState

# A flag of these kinds says that somebody should look before they sign.
_SEVERE = ("wait", "stop")


def alike_key(opening: Opening) -> str:
    """Return the same short text for requests that may be decided together; "" for whatever must be alone.

    Same kind, agent, mode, tool, rule, approvers, currency and team. Which arguments differ is shown in a table,
    so it does not part them. High class, several votes, flags and what took another's place are always alone.
    """
    if _alone(opening):
        return ""
    parts = (
        opening.kind,
        opening.agent,
        opening.card.get("mode", ""),
        opening.tool,
        *(opening.rule.get(name, "") for name in ("id", "hash", "text")),
        opening.cls,
        opening.approvers,
        opening.currency,
        opening.team_id,
    )
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def apart(request: Request, arguments: Sequence[Shown] = (), *, tampered: bool = False) -> str:
    """Return why this request is decided alone, as a sentence; "" when it may stand in a group.

    Asked again when a group is drawn and when it is decided: a request may have changed since it opened.
    """
    if request.cls == RequestClass.HIGH:
        return "High risk: it asks for a second gesture."
    if not request.alike or request.votes_needed != 1 or request.state != RequestState.OPEN:
        return "It is decided alone."
    if tampered:
        return "What is stored is not what was to be signed."
    if any(shown.huge for shown in arguments):
        return "A value is too long for a table; it must be opened and read."
    return ""


def _alone(opening: Opening) -> bool:
    return (
        opening.kind != RequestKind.APPROVAL
        or opening.cls != RequestClass.NORMAL
        or opening.votes_needed != 1
        or opening.proposal is not None
        or bool(opening.card.get("changes"))
        or _flagged(opening.card)
    )


def _flagged(card: Mapping[str, Any]) -> bool:
    return any(flag.get("severity") in _SEVERE for flag in card.get("flags") or ())
