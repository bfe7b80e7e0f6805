"""Changes that wait for a second person. Each kind of change registers what is done once it is countersigned."""

from collections.abc import Callable, Mapping
from typing import Any

from approvals.audit import Actor
from approvals.models import Request

ApplyChange = Callable[[Mapping[str, Any], Actor, Any], str]

_kinds: dict[str, ApplyChange] = {}


def register_change(kind: str, apply: ApplyChange) -> None:
    """Tell how a countersigned change of this kind is put in force: apply(payload, actor, proposer_id) -> sentence."""
    _kinds[kind] = apply


def apply_proposal(request: Request, actor: Actor) -> str:
    """Put the countersigned change in force, in the transaction that settles it. Returns what was done."""
    proposal = request.proposal or {}
    return _kinds[proposal["change"]](proposal["payload"], actor, proposal.get("proposer_id"))
