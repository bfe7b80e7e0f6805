"""More authority for a person is countersigned by a second admin, while there is one who could.

Who makes somebody an admin, puts somebody in an approver group, raises a limit or lends one person's authority to
another proposes it; another admin signs it in the browser. Where there is no other admin it is done at once and
audited: nobody is locked out of their own installation. Taking away the other admin does not make one the sole admin
for a day, and an admin whom the proposer alone has just made does not sign for them (approvals.new_admins).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals.audit import Actor
from approvals.configured import open_proposal
from approvals.database_clock import database_now
from approvals.errors import NotAllowed, RequestChanged
from approvals.models import Request
from approvals.new_admins import made_admins_lately, unmade_admins_lately
from approvals.people import fresh_signer
from approvals.policy.canonical import canonical_bytes, digest_of, exact
from approvals.proposals import propose_change, register_change
from approvals.states import Role

CHANGE = "authority"
Deed = Callable[[Mapping[str, Any], User, User | None], str]
_deeds: dict[str, tuple[Deed, Callable[[Mapping[str, Any]], Any]]] = {}


def register_deed(name: str, do: Deed, now_is: Callable[[Mapping[str, Any]], Any]) -> None:
    """Tell how one kind is done: do(payload, proposer, countersigner) -> sentence; now_is(payload) -> what it replaces."""
    _deeds[name] = (do, now_is)


def register() -> None:
    register_change(CHANGE, _apply)


def needs_second(by: User, *, beside: User | None = None) -> bool:
    """Return whether another admin is to countersign what this one gives; beside: whom it is given to, who cannot."""
    now = database_now()
    others = _admins().exclude(pk__in=[by.pk, *made_admins_lately(by, now), *([beside.pk] if beside else [])])
    return others.exists() or unmade_admins_lately(by, now)


def keep_from_signing(request: Request, names: Collection[str]) -> None:
    """Bar those who are given something from signing for it, as long as another admin is left who can."""
    given = User.objects.filter(username__in=names).values_list("pk", flat=True)
    barred = sorted({*request.barred, *given})
    if barred != request.barred and _admins().exclude(pk__in=barred).exists():
        request.barred = barred
        request.save(update_fields=["barred"])


def _admins() -> QuerySet[User]:
    return User.objects.filter(Q(groups__name=Role.ADMIN) | Q(is_superuser=True), is_active=True)


def propose_authority(
    *, deed: str, payload: Mapping[str, Any], by: User, person: User | None, title: str, sentences: Sequence[str]
) -> Request:
    """Ask a second admin. Returns the open request; the one that asks exactly the same already, where it waits.

    person: who is given something, if it is one person; that one does not sign it either.
    """
    before = _deeds[deed][1](payload)
    plan = digest_of(canonical_bytes(exact([deed, dict(payload), before])))
    waiting = open_proposal(change=CHANGE, plan=plan)
    if waiting is not None:
        return Request.objects.get(pk=waiting)
    request = propose_change(
        change=CHANGE,
        payload={"deed": deed, "given": dict(payload), "before": before, "plan": plan},
        title=title,
        card=_card(title, sentences),
        proposer=by,
    )
    if person is not None:
        # Nobody signs for themselves what they are to be given.
        request.barred = sorted({*request.barred, person.pk})
        request.save(update_fields=["barred"])
    return request


def _card(title: str, sentences: Sequence[str]) -> dict[str, Any]:
    return {
        "sentence": title,
        "why": {
            "text": "More authority for a person.",
            "rule": "More authority is signed by a second admin",
            "condition": "",
            "values": [],
        },
        "widens": list(sentences),
        "lines": [["+", sentence] for sentence in sentences],
        "then": {
            "reversible": "Yes: an admin takes it away again under People, at once.",
            "approve": "It holds at once.",
            "reject": "Nothing changes.",
            "expiry": "Counts as rejected: nothing changes.",
        },
    }


def _apply(payload: Mapping[str, Any], actor: Actor, proposer_id: Any) -> str:
    do, now_is = _deeds[payload["deed"]]
    if now_is(payload["given"]) != payload["before"]:
        raise RequestChanged("What this would change has changed since. Reject it; its author starts again.")
    proposer = fresh_signer(proposer_id) if proposer_id else None
    if proposer is None or not proposer.is_admin:
        raise NotAllowed("Who proposed this is no admin any more. Reject it.")
    return do(payload["given"], proposer.user, User.objects.filter(pk=actor.user_id or 0).first())
