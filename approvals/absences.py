"""Out of office: one dated delegate per person, who signs meanwhile what the absent person could, and never for longer.

People set their own; an admin sets somebody else's, which gives the delegate authority and so needs a second admin.
What a delegate may do with it stands in approvals.permissions.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from approvals.audit import Actor, record
from approvals.authority import needs_second, propose_authority, register_deed
from approvals.database_clock import database_now
from approvals.errors import AlreadySettled, NotAllowed, NotFound, WrongTime
from approvals.models import Absence, Request
from approvals.notices import tell
from approvals.people import Signer, signer

LONGEST = timedelta(days=90)
_GRACE = timedelta(minutes=5)


def register() -> None:
    register_deed("absence", _do, _is_now)


def open_absences() -> QuerySet[Absence]:
    """Return the absences that last or are still to come, soonest first."""
    rows = Absence.objects.filter(ended_at__isnull=True, ends_at__gt=Now())
    return rows.select_related("user", "delegate").order_by("starts_at", "pk")


def open_absence_of(user: Any) -> Absence | None:
    return open_absences().filter(user=user).first()


def standing_in_for(user: Any) -> list[Absence]:
    """Return whose delegate this person is, now or soon."""
    return list(open_absences().filter(delegate=user))


def possible_delegates(user: Any) -> QuerySet[User]:
    """Return who could stand in for this person: everybody else who decides."""
    deciding = Q(groups__name__in=("operator", "admin")) | Q(is_superuser=True)
    return User.objects.filter(deciding, is_active=True).exclude(pk=user.pk).distinct().order_by("username")


def set_absence(
    *, user: User, delegate: User, starts_at: datetime, ends_at: datetime, note: str = "", by: User
) -> Absence | Request:
    """Let the delegate sign for this person from start to end. Returns the absence, or the proposal that waits.

    Raises NotAllowed or WrongTime with the sentence.
    """
    _check_may_set(by, user, delegate)
    with transaction.atomic():
        _hold(user)
        _check(user, delegate, starts_at, ends_at)
        if by.pk != user.pk and needs_second(by, beside=delegate):
            return _propose(user, delegate, starts_at, ends_at, note, by)
        return _put(user, delegate, starts_at, ends_at, note, by)


def end_absence(*, absence_id: UUID, by: User) -> Absence:
    """End it now: the person is back, the delegate declines, or an admin says so. Votes that were cast stay."""
    with transaction.atomic():
        absence = Absence.objects.select_for_update().filter(pk=absence_id).first()
        if absence is None or not _may_end(by, absence):
            raise NotFound("There is no such absence, or it is not yours to end.")
        if absence.ended_at:
            raise AlreadySettled(f"This ended at {absence.ended_at:%d %b %H:%M} UTC.")
        absence.ended_at = database_now()
        absence.save(update_fields=["ended_at"])
        _told(by, "absence.ended", absence)
        for person in {absence.user, absence.delegate} - {by}:
            _tell(person, f"{absence.delegate.username} no longer stands in for {absence.user.username}")
    return absence


def _may_end(by: User, absence: Absence) -> bool:
    return by.pk in (absence.user_id, absence.delegate_id) or signer(by).is_admin


def _check_may_set(by: User, user: User, delegate: User) -> None:
    if by.pk != user.pk and not signer(by).is_admin:
        raise NotAllowed("People set their own delegate; for others an admin does.")
    if by.pk != user.pk and by.pk == delegate.pk:
        raise NotAllowed("Nobody gives themselves somebody else's authority; another admin does.")


def _check(user: User, delegate: User, starts_at: datetime, ends_at: datetime) -> None:
    """Raise what is wrong with it, by the rows as they are under the lock on the person."""
    now = database_now()
    if user.pk == delegate.pk:
        raise NotAllowed("Nobody is their own delegate.")
    if not Signer(delegate).decides:
        raise NotAllowed(f"{delegate.username} is neither operator nor admin, and so signs nothing.")
    if starts_at < now - _GRACE or not max(starts_at, now) < ends_at:
        raise WrongTime("It begins now or later, and ends after it begins.")
    if ends_at - starts_at > LONGEST:
        raise WrongTime(f"At most {LONGEST.days} days; for longer an admin gives the authority itself.")
    if open_absence_of(user) is not None:
        raise NotAllowed(f"{user.username} has a delegate already. End that first.")
    away = open_absences().filter(user=delegate, starts_at__lt=ends_at, ends_at__gt=starts_at).exists()
    if away:
        raise NotAllowed(f"{delegate.username} is away themselves in that time, and a delegate has no delegate.")


def _put(
    user: User, delegate: User, starts_at: datetime, ends_at: datetime, note: str, by: User, second: User | None = None
) -> Absence:
    absence = Absence.objects.create(
        user=user, delegate=delegate, starts_at=starts_at, ends_at=ends_at, note=note.strip()[:200], created_by=by
    )
    _told(by, "absence.set", absence, countersigned_by=second.get_username() if second else None)
    until = f"from {starts_at:%d %b %H:%M} to {ends_at:%d %b %H:%M} UTC"
    for person in {user, delegate} - {by}:
        _tell(person, f"{delegate.username} stands in for {user.username} {until}")
    return absence


def _propose(user: User, delegate: User, starts_at: datetime, ends_at: datetime, note: str, by: User) -> Request:
    until = f"from {starts_at:%d %b %Y %H:%M} to {ends_at:%d %b %Y %H:%M} UTC"
    return propose_authority(
        deed="absence",
        payload={
            "person": user.pk,
            "delegate": delegate.pk,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
            "note": note,
        },
        by=by,
        person=delegate,
        title=f"Let {delegate.username} sign for {user.username}, who is away",
        sentences=[f"{delegate.username} may sign what {user.username} could, {until}."],
    )


def _do(given: Mapping[str, Any], by: User, second: User | None) -> str:
    user, delegate = User.objects.get(pk=given["person"]), User.objects.get(pk=given["delegate"])
    starts_at, ends_at = datetime.fromisoformat(given["starts_at"]), datetime.fromisoformat(given["ends_at"])
    _hold(user)
    # Signed after it was to begin, it begins now.
    starts_at = max(starts_at, database_now())
    _check(user, delegate, starts_at, ends_at)
    _put(user, delegate, starts_at, ends_at, given["note"], by, second)
    return f"{delegate.username} stands in for {user.username}."


def _is_now(given: Mapping[str, Any]) -> str | None:
    present = open_absence_of(given["person"])
    return str(present.pk) if present else None


def _hold(user: User) -> None:
    """One change of a person's absences at a time: there is one at most."""
    User.objects.select_for_update().get(pk=user.pk)


def _told(by: User, verb: str, absence: Absence, **data: Any) -> None:
    record(
        actor=Actor.person(by),
        verb=verb,
        subject_type="person",
        subject_id=absence.user_id,
        subject=absence.user.username,
        delegate=absence.delegate.username,
        starts_at=absence.starts_at.isoformat(),
        ends_at=absence.ends_at.isoformat(),
        **data,
    )


def _tell(person: User, title: str) -> None:
    tell(kind="absence", title=title, link="/profile/", user=person)
