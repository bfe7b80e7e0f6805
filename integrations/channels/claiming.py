"""Deliveries as a queue: claimed with a lease, sent outside any transaction, settled by a conditional write."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from approvals.audit import SYSTEM, record
from approvals.database_clock import database_now
from approvals.models import Notice, Request
from approvals.notices import tell
from approvals.states import RequestState, Role
from integrations.channels.retrying import NotDelivered, is_over, pause_s
from integrations.channels.topics import FOR_DECIDERS, topic_of
from integrations.models import Delivery

# Longer than any sender may take.
LEASE = timedelta(seconds=90)
PENDING = (Delivery.State.WAITING, Delivery.State.FAILED)
# One word about a broken connection an hour, however many messages it holds up.
ALARM_EVERY = timedelta(hours=1)
LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """What the other side calls it. live: it shows an open request and is to be rewritten when that is settled."""

    place: str = ""
    id: str = ""
    live: bool = False
    shown: str = ""


def claim_rewrite(kinds: tuple[str, ...]) -> Delivery | None:
    """Return a sent message that shows another state than its request has by now, ours for the length of a lease."""
    state = Request.objects.filter(pk=OuterRef("request_id")).values("state")[:1]
    live = Q(live=True, state=Delivery.State.SENT, connection__kind__in=kinds, connection__disabled=False)
    with transaction.atomic():
        rows = Delivery.objects.filter(live, _free(database_now())).annotate(really=Subquery(state))
        return _take(rows.exclude(shown=F("really")))


def claim(kinds: tuple[str, ...]) -> Delivery | None:
    """Return the delivery that is due next through one of these kinds, now ours for the length of a lease."""
    due = Q(state__in=PENDING, connection__kind__in=kinds, connection__disabled=False)
    with transaction.atomic():
        return _take(Delivery.objects.filter(due, _free(database_now())))


def _free(now: datetime) -> Q:
    return Q(next_at__lte=now) & (Q(claimed_until__isnull=True) | Q(claimed_until__lte=now))


def _take(rows: Any) -> Delivery | None:
    row = rows.order_by("next_at").select_for_update(skip_locked=True, of=("self",)).first()
    if row is None:
        return None
    until = database_now() + LEASE
    Delivery.objects.filter(pk=row.pk).update(claimed_until=until, attempts=F("attempts") + 1)
    return Delivery.objects.select_related("connection", "notice", "user").get(pk=row.pk)


def is_silenced(delivery: Delivery, request: Request | None) -> bool:
    """Return whether there is nothing left to ask: the request was settled elsewhere while this waited."""
    asks = topic_of(delivery.notice.kind) in FOR_DECIDERS
    return asks and (request is None or request.state != RequestState.OPEN)


def settle_silenced(delivery: Delivery) -> None:
    _write(delivery, state=Delivery.State.SILENCED, error="")


def settle_sent(delivery: Delivery, sent: Sent) -> None:
    _write(
        delivery,
        state=Delivery.State.SENT,
        error="",
        attempts=0 if sent.live else delivery.attempts,
        external_place=sent.place,
        external_id=sent.id,
        live=sent.live,
        shown=sent.shown,
        sent_at=database_now(),
    )


def settle_rewritten(delivery: Delivery, *, shown: str, live: bool, next_at: datetime) -> None:
    _write(delivery, error="", shown=shown, live=live, next_at=next_at, attempts=0)


def settle_failed(delivery: Delivery, problem: NotDelivered) -> None:
    """Write what went wrong and when it is tried again; tell the admins when that is never."""
    now = database_now()
    over = problem.final or is_over(delivery.created_at, now)
    later = now + timedelta(seconds=pause_s(delivery.attempts, problem.retry_after_s))
    if delivery.state == Delivery.State.SENT:
        # A message that cannot be rewritten was delivered all the same: its buttons decide nothing any more.
        over = problem.final or is_over(delivery.sent_at or delivery.created_at, now)
        _write(delivery, error=problem.sentence[:LONGEST_ERROR], next_at=later, live=not over)
        return
    state = Delivery.State.GAVE_UP if over else Delivery.State.FAILED
    with transaction.atomic():
        if _write(delivery, state=state, error=problem.sentence[:LONGEST_ERROR], next_at=later) and over:
            _raise_alarm(delivery, problem.sentence, now)


def _write(delivery: Delivery, **changes: Any) -> bool:
    """Write the end of an attempt, unless the lease ran out and someone else has it now."""
    mine = Delivery.objects.filter(pk=delivery.pk, claimed_until=delivery.claimed_until, state=delivery.state)
    return bool(mine.update(claimed_until=None, **changes))


def _raise_alarm(delivery: Delivery, sentence: str, now: datetime) -> None:
    """Tell each admin in the feed and by the other channels; never about a word of alarm that was itself lost."""
    record(
        actor=SYSTEM,
        verb="delivery.gave_up",
        subject_type="delivery",
        subject_id=delivery.pk,
        subject=delivery.connection.name,
        error=sentence[:LONGEST_ERROR],
    )
    kind, subject = "delivery.failed", delivery.connection.name
    lately = Notice.objects.filter(kind=kind, subject=subject, created_at__gt=now - ALARM_EVERY)
    if delivery.notice.kind == kind or lately.exists():
        return
    for admin in _admins():
        tell(
            kind=kind,
            title=f"A message through {subject} could not be delivered: {sentence}",
            link="/deliveries/",
            subject=subject,
            user=admin,
        )


def _admins() -> QuerySet[User]:
    return User.objects.filter(is_active=True, groups__name=Role.ADMIN)
