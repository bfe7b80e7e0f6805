"""Changes that wait for a second person. Each kind of change registers what is done once it is countersigned.

A proposal is of class high: an admin signs it in the browser after signing in again, never by a token and never in
bulk. Neither its proposer signs it, nor an account that the proposer alone made an admin a short while before or since:
a second pair of eyes that somebody makes for the purpose is their own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from approvals.audit import Actor
from approvals.database_clock import database_now
from approvals.models import Request
from approvals.new_admins import hold_admins, made_admins_lately
from approvals.opening import Opening, open_request
from approvals.states import RequestClass, RequestKind

ApplyChange = Callable[[Mapping[str, Any], Actor, Any], str]
OPEN_FOR_S = 7 * 24 * 3600

_kinds: dict[str, ApplyChange] = {}


def register_change(kind: str, apply: ApplyChange) -> None:
    """Tell how a countersigned change of this kind is put in force: apply(payload, actor, proposer_id) -> sentence."""
    _kinds[kind] = apply


def apply_proposal(request: Request, actor: Actor) -> str:
    """Put the countersigned change in force, in the transaction that settles it. Returns what was done."""
    proposal = request.proposal or {}
    return _kinds[proposal["change"]](proposal["payload"], actor, proposal.get("proposer_id"))


def propose_change(
    *,
    change: str,
    payload: Mapping[str, Any],
    title: str,
    card: Mapping[str, Any],
    proposer: Any = None,
    actor: Actor | None = None,
    team_id: int | None = None,
) -> Request:
    """Ask a second person for a change that widens what agents, or people, may do. Returns the open request.

    change: a kind registered with register_change; payload: what it is given once signed.
    """
    who = actor or Actor.person(proposer)
    with transaction.atomic():
        hold_admins()
        now = database_now()
        return open_request(
            Opening(
                kind=RequestKind.PROPOSAL,
                title=title,
                card=card,
                team_id=team_id,
                cls=RequestClass.HIGH,
                risk="high",
                barred=[proposer.pk, *made_admins_lately(proposer, now)] if proposer is not None else [],
                proposal={"change": change, "payload": dict(payload), "proposer_id": proposer.pk if proposer else None},
                deadline_s=OPEN_FOR_S,
            ),
            actor=who,
            now=now,
        )
