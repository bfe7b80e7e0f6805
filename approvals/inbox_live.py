"""What an open inbox must learn, cheaply enough to be asked every few seconds by everybody."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from approvals import waiting
from approvals.database_clock import database_now
from approvals.inbox import Row, lately_settled, listed, settled_rows
from approvals.inbox_wanted import Wanted
from approvals.models import Request
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.states import RequestState

GREY_FOR = timedelta(minutes=10)
# A row is stamped before its transaction ends, so a list drawn in between has not got it.
COMMITS_WITHIN = timedelta(seconds=2)
NEW_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Changes:
    """Which requests came since the list was drawn, and which were settled since."""

    fresh: Sequence[UUID]
    gone: Sequence[Row]


def pulse_of(user: Any) -> str:
    """Return a short text that differs whenever the list would: some counts, the newest request, the latest settlement."""
    seen = waiting.open_requests(user)
    settled = visible_requests(signer(user)).exclude(state=RequestState.OPEN).order_by("-settled_at")
    parts = [
        waiting.count_mine(user),
        waiting.counted(seen),
        *seen.order_by("-created_at").values_list("created_at", flat=True)[:1],
        *settled.values_list("settled_at", flat=True)[:1],
    ]
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def changes_for(user: Any, wanted: Wanted, since: str) -> Changes:
    """Return what came and went since the list was drawn, which is what the page says in `since`."""
    now = database_now()
    drawn = _moment(since) or now - GREY_FOR
    gone = lately_settled(user, max(drawn - COMMITS_WITHIN, now - GREY_FOR))
    return Changes(fresh=_fresh(user, wanted, drawn), gone=settled_rows(gone))


def _fresh(user: Any, wanted: Wanted, drawn: datetime) -> list[UUID]:
    came = Q(created_at__gt=drawn - COMMITS_WITHIN) | Q(escalated_at__gt=drawn)
    back = Request.objects.filter(snoozes__user=user, snoozes__until__gt=drawn, snoozes__until__lte=Now())
    rows = listed(user, wanted).filter(came | Q(pk__in=back.values("pk")))
    return list(rows.order_by().values_list("pk", flat=True)[:NEW_AT_ONCE])


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
