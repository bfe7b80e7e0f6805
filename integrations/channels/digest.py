"""One mail a day or week to whoever asked: what waits for them. Nothing waits, nothing is sent."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from approvals.database_clock import database_now
from approvals.models import Profile, Request
from approvals.money import money_text
from approvals.notices import tell
from approvals.people import signer
from approvals.permissions import can_decide, visible_requests
from approvals.states import RequestState
from approvals.time_words import span
from integrations.channels.preferences import Preferences
from integrations.models import DigestMark

_WANTED = Q(notify__digest="daily") | Q(notify__digest="weekly")
_SHOWN = 10
_MOST = 2000


def digest_next() -> bool:
    """Write the digest that is due next, or work out when the next is due; return whether there was anything to do."""
    with transaction.atomic():
        _mark_newcomers()
        now = database_now()
        rows = DigestMark.objects.filter(due_at__lte=now, user__is_active=True).order_by("due_at")
        mark = rows.select_for_update(skip_locked=True, of=("self",)).select_related("user").first()
        if mark is None:
            return False
        profile = Profile.objects.filter(user=mark.user).first()
        wanted = Preferences.of(profile.notify if profile else {}, profile.time_zone if profile else "UTC")
        sent = wanted.digest != "off" and _tell(mark.user, now)
        changes: dict[str, datetime | None] = {"due_at": wanted.next_digest(now)}
        DigestMark.objects.filter(pk=mark.pk).update(**changes, **({"sent_at": now} if sent else {}))
    return True


def plan_digest(user: User, wanted: Preferences) -> None:
    """Set when this person's next digest is due, after their settings changed."""
    DigestMark.objects.update_or_create(user=user, defaults={"due_at": wanted.next_digest(database_now())})


def digest_text(waiting: Sequence[Request], now: datetime) -> tuple[str, str]:
    """Return title and body: how many wait, the oldest, the money, and the first ten by deadline."""
    oldest = min(request.created_at for request in waiting)
    sums: dict[str, int] = defaultdict(int)
    for request in waiting:
        if request.money_minor is not None and request.currency:
            sums[request.currency] += request.money_minor
    count = len(waiting)
    title = f"{count} {'request waits' if count == 1 else 'requests wait'} for you"
    lines = [f"The oldest has waited for {span((now - oldest).total_seconds())}."]
    if sums:
        lines.append(
            "Money: " + ", ".join(money_text(minor, currency) for currency, minor in sorted(sums.items())) + "."
        )
    lines += [f"- {_one_line(request.title)}" for request in waiting[:_SHOWN]]
    if count > _SHOWN:
        lines.append(f"and {count - _SHOWN} more.")
    return title, "\n".join(lines)


def _tell(user: User, now: datetime) -> bool:
    waiting = _waiting_for(user)
    if not waiting:
        return False
    title, body = digest_text(waiting, now)
    tell(kind="digest", title=title, body=body, link="/inbox/", user=user)
    return True


def _waiting_for(user: User) -> list[Request]:
    """Return what this person may settle now, the nearest deadline first."""
    rows = visible_requests(signer(user)).filter(state=RequestState.OPEN).defer("card")
    return [request for request in rows.order_by("decide_by", "created_at")[:_MOST] if can_decide(user, request)]


def _mark_newcomers() -> None:
    """Give a mark to whoever asked for digests by a way that set none."""
    rows = Profile.objects.filter(_WANTED, user__digest_mark__isnull=True, user__is_active=True).select_related("user")
    for profile in rows[:50]:
        plan_digest(profile.user, Preferences.of(profile.notify, profile.time_zone))


def _one_line(text: str) -> str:
    return " ".join(text.split())
