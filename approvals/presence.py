"""Who has which card before them, and for how long: rows that a looking browser renews every few seconds.

Presence binds nobody. The time on a card goes into the vote that is cast from it; a tab that nobody looks at adds nothing.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.models import Request, Viewing

RENEW_S = 5
GONE_AFTER_S = 15
LONGEST_MS = 8 * 3600 * 1000


def look(request: Request, user: Any, now: datetime) -> None:
    """Write that this person has the card before them now; at most one write in five seconds.

    Time counts from the last look when that was moments ago; after a longer pause the person had looked away.
    """
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"request": request.pk, "user": user.pk, "now": now, **_SPANS}
        cursor.execute(_LOOK, values)


def lookers(request: Request, except_user: Any, now: datetime) -> list[str]:
    """Return the names of the others who have this card before them, the first to open it first."""
    rows = Viewing.objects.filter(request=request, seen_at__gt=now - timedelta(seconds=GONE_AFTER_S))
    names = rows.exclude(user=except_user).order_by("opened_at", "pk").values_list("user__username", flat=True)
    return list(names)


def looked_ms(request_id: UUID, user: Any, now: datetime) -> int | None:
    """Return how long this person has had the card before them, up to now; None when no door could tell."""
    seen = Viewing.objects.filter(request_id=request_id, user=user).first()
    if seen is None:
        return None
    since = now - seen.seen_at
    last = int(since.total_seconds() * 1000) if timedelta(0) < since < timedelta(seconds=GONE_AFTER_S) else 0
    return min(LONGEST_MS, seen.looked_ms + last)


_SPANS: dict[str, timedelta | int] = {
    "renew": timedelta(seconds=RENEW_S),
    "gone": timedelta(seconds=GONE_AFTER_S),
    "longest": LONGEST_MS,
}
# One statement: two tabs of one person must not count the same seconds twice.
_LOOK = """
INSERT INTO approvals_viewing AS seen (request_id, user_id, opened_at, seen_at, looked_ms)
VALUES (%(request)s, %(user)s, %(now)s, %(now)s, 0)
ON CONFLICT (request_id, user_id) DO UPDATE SET
  looked_ms = CASE
    WHEN %(now)s - seen.seen_at < %(gone)s
    THEN LEAST(%(longest)s, seen.looked_ms + (EXTRACT(EPOCH FROM %(now)s - seen.seen_at) * 1000)::integer)
    ELSE seen.looked_ms END,
  seen_at = %(now)s
WHERE seen.seen_at <= %(now)s - %(renew)s
"""
