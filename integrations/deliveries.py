"""Deliveries as workers and people handle them: the chores, and trying again or giving up by hand."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, QuerySet

from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.people import Signer, signer
from approvals.states import Role
from config.queues import ring_after_commit
from integrations.channels.digest import digest_next
from integrations.channels.routing import route_some
from integrations.channels.sending import rewrite_next, send_next
from integrations.errors import EdgeError, NotYours
from integrations.models import Connection, Delivery

_FAST = (Connection.Kind.SLACK, Connection.Kind.WEBHOOK)
_OPEN = (Delivery.State.WAITING, Delivery.State.FAILED)
_STOPPED = (Delivery.State.FAILED, Delivery.State.GAVE_UP, Delivery.State.DISCARDED)
_HANDLE = frozenset({Role.ADMIN, Role.OPERATOR})


class DeliveryMoved(EdgeError):
    """The delivery is no longer where it was shown to be."""

    code = "MOVE_REFUSED"
    status = 409


def deliver_some() -> bool:
    """Chore: route notices, write digests, bring Slack messages up to date, send what is due but for mail."""
    # All four, not the first that finds something: none may starve another.
    return any([route_some(), digest_next(), rewrite_next(), send_next(_FAST)])


def deliver_mail() -> bool:
    """Chore: send the next due mail. On its own, because a mail server may take its time."""
    return send_next((Connection.Kind.MAIL,))


def visible_deliveries(who: Signer) -> QuerySet[Delivery]:
    """Return the deliveries this person may see: their own; all for admins and auditors."""
    rows = Delivery.objects.select_related("connection", "notice", "user")
    return rows if who.sees_all else rows.filter(user=who.user)


def counts(who: Signer) -> Mapping[str, int]:
    """Return how many deliveries this person sees in each state."""
    found = visible_deliveries(who).order_by().values_list("state").annotate(rows=Count("pk"))
    return dict(found)


def handling_objection(who: Signer) -> str:
    """Return why this person may not try again or discard, or "" when they may."""
    return "" if who.roles & _HANDLE else "Operators and admins handle deliveries."


def retry_delivery(*, delivery_id: UUID, user: User) -> None:
    """Have it sent again at once; its day of trying begins anew. Raises NotYours, DeliveryMoved."""
    with transaction.atomic():
        row = _locked(delivery_id, user)
        now = database_now()
        moved = Delivery.objects.filter(pk=row.pk, state__in=_STOPPED).update(
            state=Delivery.State.WAITING, next_at=now, attempts=0, created_at=now, closed_by=None, close_reason=""
        )
        _check(moved, row)
        _note(row, user, "delivery.retried")
        ring_after_commit()


def discard_delivery(*, delivery_id: UUID, user: User, reason: str) -> None:
    """Stop trying, with a reason. Raises NotYours, DeliveryMoved."""
    said = reason.strip()[:300]
    if not said:
        raise DeliveryMoved("Say why it need not be delivered.")
    with transaction.atomic():
        row = _locked(delivery_id, user)
        moved = Delivery.objects.filter(pk=row.pk, state__in=(*_OPEN, Delivery.State.GAVE_UP)).update(
            state=Delivery.State.DISCARDED, closed_by=user, close_reason=said, claimed_until=None
        )
        _check(moved, row)
        _note(row, user, "delivery.discarded", said)


def _locked(delivery_id: UUID, user: User) -> Delivery:
    who = signer(user)
    if sentence := handling_objection(who):
        raise NotYours(sentence)
    row = visible_deliveries(who).filter(pk=delivery_id).select_for_update(of=("self",)).first()
    if row is None:
        raise NotYours("There is no such delivery, or it is another person's.")
    return row


def _check(moved: int, row: Delivery) -> None:
    if not moved:
        raise DeliveryMoved(f"It is {row.get_state_display()} by now. Nothing was changed.")


def _note(row: Delivery, user: User, verb: str, reason: str | None = None) -> None:
    record(
        actor=Actor.person(user),
        verb=verb,
        subject_type="delivery",
        subject_id=row.pk,
        subject=row.connection.name,
        notice=str(row.notice_id),
        reason=reason,
    )
