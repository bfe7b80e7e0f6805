"""Releasing a halt takes two people: one admin asks, another signs; first under supervision, then fully.

An installation with a single admin is not locked in: theirs is the only signature there is, so it takes what a
signature takes, a fresh sign-in, and the trail says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from approvals.audit import SYSTEM, Actor, record
from approvals.authority import needs_second
from approvals.database_clock import database_now
from approvals.errors import AlreadySettled, NotAllowed, NotFound, WrongVote
from approvals.halts import RELEASED, SUPERVISED, release_halt, words_of
from approvals.models import Halt, Request
from approvals.people import signer
from approvals.proposals import register_change
from approvals.services import propose_change, withdraw_request
from approvals.states import RequestKind, RequestState

CHANGE = "halt.release"
TO = (SUPERVISED, RELEASED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking did: `request` waits for a second admin, or the halt was released at once by the only one."""

    halt: Halt
    request: Request | None

    @property
    def done(self) -> bool:
        return self.request is None


def register() -> None:
    register_change(CHANGE, _apply)


def refusal_to_ask(user: Any) -> str:
    """Return why this person may not ask for a release, or ""."""
    return "" if signer(user).is_admin else "Only an admin asks for the release of a halt; another admin signs it."


def ask_release(*, halt_id: UUID, user: User, to: str = SUPERVISED, why: str = "", stepped_up: bool = False) -> Asked:
    """Ask a second admin to release the halt to that stage. Asked twice for the same, the first request stands.

    stepped_up: the person signed in again within the last minutes; asked of who releases alone.
    Raises NotAllowed, NotFound, AlreadySettled, WrongVote.
    """
    if to not in TO:
        raise WrongVote(f"A halt is released to {' or '.join(TO)}.")
    with transaction.atomic():
        halt = _open(halt_id, to)
        if refusal_to_ask(user):
            raise NotAllowed(refusal_to_ask(user))
        if not needs_second(user):
            _check_proven(stepped_up)
            return Asked(_alone(halt, user, to, why), None)
        return Asked(halt, open_release(halt, to) or _propose(halt, user, to, why))


def open_release(halt: Halt, to: str = "") -> Request | None:
    """Return the open request to release this halt (to that stage), or None."""
    payload = {"halt": str(halt.pk)} | ({"to": to} if to else {})
    return _waiting().filter(proposal__contains={"payload": payload}).first()


def open_releases() -> dict[str, Request]:
    """Return the open requests to release halts, by the id of the halt."""
    return {request.proposal["payload"]["halt"]: request for request in _waiting() if request.proposal}


def withdraw_outrun() -> int:
    """Withdraw the requests to release halts that have ended or changed meanwhile. Returns how many."""
    return sum(_withdraw_if_outrun(pk) for pk in _waiting().values_list("pk", flat=True))


def _waiting() -> QuerySet[Request]:
    return Request.objects.filter(
        kind=RequestKind.PROPOSAL, state=RequestState.OPEN, proposal__contains={"change": CHANGE}
    )


def _withdraw_if_outrun(pk: UUID) -> bool:
    # Its own transaction, request before halt: deciding locks in that order.
    with transaction.atomic():
        request = Request.objects.select_for_update().filter(pk=pk, state=RequestState.OPEN).first()
        if request is None:
            return False
        payload = (request.proposal or {})["payload"]
        if Halt.objects.filter(pk=payload["halt"], released_at__isnull=True).exclude(stage=payload["to"]).exists():
            return False
        withdraw_request(request, actor=SYSTEM, why="The halt has ended or changed meanwhile.", now=database_now())
        return True


def _open(halt_id: UUID, to: str) -> Halt:
    halt = Halt.objects.select_for_update().filter(pk=halt_id).first()
    if halt is None:
        raise NotFound("There is no such halt.")
    if halt.released_at:
        raise AlreadySettled(f"This halt was released at {halt.released_at:%H:%M} UTC.")
    if halt.stage == to:
        raise AlreadySettled("It works under supervision already.")
    return halt


def _check_proven(stepped_up: bool) -> None:
    if not stepped_up:
        said = "There is no second admin, so your own signature releases it: in the browser, after signing in again."
        raise NotAllowed(said, step_up=True)


def _alone(halt: Halt, user: User, to: str, why: str) -> Halt:
    record(
        actor=Actor.person(user),
        verb="halt.released_alone",
        subject_type="halt",
        subject_id=halt.pk,
        subject=halt.scope,
        to=to,
        why=why,
        note="There is no second admin.",
    )
    return release_halt(halt_id=halt.pk, user=user, to=to)


def _propose(halt: Halt, user: User, to: str, why: str) -> Request:
    what = words_of(halt.scope)
    title = f"Let {what} work again under supervision" if to == SUPERVISED else f"Release {what} fully"
    return propose_change(
        change=CHANGE,
        payload={"halt": str(halt.pk), "to": to},
        title=title,
        card=_card(halt, user, to, why, title),
        proposer=user,
    )


def _card(halt: Halt, user: User, to: str, why: str, title: str) -> dict[str, Any]:
    supervised = to == SUPERVISED
    after = (
        "a person signs every write, also what the policy would let pass" if supervised else "the policy alone decides"
    )
    return {
        "sentence": title,
        "text": why,
        "why": {
            "text": f"Halted by {halt.engaged_by_label}: {halt.reason}. {user.get_username()} asks for its release.",
            "rule": "A halt is released by two people, in stages",
            "condition": "",
            "values": [],
        },
        "then": {
            "reversible": "Yes: halt it again, at once and alone.",
            "approve": f"What was paused goes on, checked again; {after}. Deadlines move by as long as they stood still.",
            "reject": "It stays as it is.",
            "expiry": "Counts as rejected: it stays as it is.",
        },
    }


def _apply(payload: Mapping[str, Any], actor: Actor, _proposer_id: Any) -> str:
    signed_by = User.objects.filter(pk=actor.user_id or 0).first()
    halt = release_halt(halt_id=payload["halt"], user=signed_by, to=payload["to"])
    return f"{words_of(halt.scope).capitalize()}: {'supervised' if payload['to'] == SUPERVISED else 'released'}."
