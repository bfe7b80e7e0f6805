"""Erasing what the trail says about one subject: payload and salt go, the chain stays valid, and the erasure is a row itself.

The database does it and refuses what is younger than 190 days or under a legal hold; no setting lowers that.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction

from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.errors import NotAllowed, NotFound
from approvals.models import AuditEvent, LegalHold
from approvals.people import signer

FLOOR_DAYS = 190


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many rows are blank now, and how many stay because they are younger than the floor."""

    erased: int
    kept: int

    @property
    def sentence(self) -> str:
        kept = f" {self.kept:,} stay: they are younger than {FLOOR_DAYS} days." if self.kept else ""
        return f"{self.erased:,} row{'' if self.erased == 1 else 's'} erased.{kept}"


def erase_subject(*, subject: str, reason: str, user: Any) -> Erasure:
    """Blank payload and salt of every audit row about exactly this subject. Raises NotAllowed."""
    _check_admin(user)
    if not subject.strip() or not reason.strip():
        raise NotAllowed("Name the subject and say why: the reason stands in the audit trail.")
    if subject.strip().casefold() in reason.casefold():
        raise NotAllowed("The reason stays in the trail for good, so it may not name the subject.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT countersign_erase_audit(%s, %s, %s)", [subject.strip(), user.get_username(), reason.strip()]
        )
        answer = cursor.fetchone()[0]
    said = json.loads(answer) if isinstance(answer, str) else answer
    if said["held"]:
        raise NotAllowed("A legal hold lies on this subject. Lift it first, with a reason of its own.")
    return Erasure(said["erased"], said["kept"])


def place_hold(*, subject: str, reason: str, user: Any) -> LegalHold:
    """Let nobody erase this subject's rows from now on. Raises NotAllowed."""
    _check_admin(user)
    if not subject.strip() or not reason.strip():
        raise NotAllowed("Name the subject and say why it is held.")
    try:
        with transaction.atomic():
            hold = LegalHold.objects.create(subject=subject.strip()[:200], reason=reason.strip(), placed_by=user)
            _record("audit.hold_placed", hold, user, hold.reason)
    except IntegrityError:
        raise NotAllowed("This subject is held already.") from None
    return hold


def lift_hold(*, hold_id: Any, reason: str, user: Any) -> LegalHold:
    """Lift a hold. Raises NotAllowed, NotFound."""
    _check_admin(user)
    if not reason.strip():
        raise NotAllowed("Say why the hold is lifted.")
    with transaction.atomic():
        lifted = LegalHold.objects.filter(pk=hold_id, lifted_at__isnull=True)
        if not lifted.update(lifted_at=database_now(), lifted_by=user):
            raise NotFound("There is no such hold.")
        hold = LegalHold.objects.get(pk=hold_id)
        _record("audit.hold_lifted", hold, user, reason.strip())
    return hold


def open_holds() -> list[LegalHold]:
    return list(LegalHold.objects.filter(lifted_at__isnull=True).select_related("placed_by").order_by("-placed_at"))


def rows_about(subject: str) -> int:
    return AuditEvent.objects.filter(subject=subject).count()


def refusal_to_erase(user: Any) -> str:
    """Return why this person may not erase, or "" when they may."""
    return "" if signer(user).is_admin else "Only an admin erases, and only with a reason."


def _check_admin(user: Any) -> None:
    if refusal := refusal_to_erase(user):
        raise NotAllowed(refusal)


def _record(verb: str, hold: LegalHold, user: Any, reason: str) -> None:
    # Without the subject's name: rows about erasure are never erased themselves.
    record(actor=Actor.person(user), verb=verb, subject_type="legal_hold", subject_id=hold.pk, reason=reason)
