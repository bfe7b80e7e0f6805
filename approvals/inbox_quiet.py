"""Why an inbox is empty, with figures: what was done today, what others have, what was put off."""

from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models.functions import Now

from approvals import waiting
from approvals.models import Decision, Request, Snooze
from approvals.people import signer
from approvals.permissions import visible_requests
from approvals.waiting import by_pressure


@dataclass(frozen=True, slots=True)
class Quiet:
    """decided: this person's votes since midnight; looked_ms, answered_ms: the medians of their time."""

    decides: bool
    decided: int
    looked_ms: float | None
    answered_ms: float | None
    nearest: Request | None
    back_at: datetime | None
    last_asked: datetime | None


def quiet_of(user: Any, midnight: datetime) -> Quiet:
    """Return what an empty inbox can tell this person."""
    votes = list(
        Decision.objects.filter(user=user, at__gte=midnight, withdrawn_at__isnull=True).values_list(
            "looked_ms", "at", "request__created_at"
        )
    )
    looked = [ms for ms, _, _ in votes if ms is not None]
    answered = [(at - asked).total_seconds() * 1000 for _, at, asked in votes]
    return Quiet(
        decides=signer(user).decides,
        decided=len(votes),
        looked_ms=median(looked) if looked else None,
        answered_ms=median(answered) if answered else None,
        nearest=by_pressure(waiting.others(user)).defer("card", "proposal").first(),
        back_at=_next_back(user),
        last_asked=_last_asked(user),
    )


def _next_back(user: Any) -> datetime | None:
    rows = Snooze.objects.filter(user=user, until__gt=Now(), request__in=waiting.snoozed(user))
    return rows.order_by("until").values_list("until", flat=True).first()


def _last_asked(user: Any) -> datetime | None:
    rows = visible_requests(signer(user)).order_by("-created_at")
    return rows.values_list("created_at", flat=True).first()
