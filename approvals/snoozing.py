"""For how long a person may put a card aside, and to whom it may be given: what the forms on the card offer."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from approvals.errors import WrongVote
from approvals.models import Request
from approvals.states import Role

PUT_ASIDE: Sequence[tuple[str, str]] = (
    ("1h", "for one hour"),
    ("4h", "for four hours"),
    ("tomorrow", "until tomorrow, 08:00"),
    ("monday", "until Monday, 08:00"),
)
_BEGINS = time(8)


def until_when(code: str, now: datetime) -> datetime:
    """Return the moment this code means, in the person's own time zone. Raises WrongVote for one that we do not offer."""
    if code in ("1h", "4h"):
        return now + timedelta(hours=int(code[0]))
    today = timezone.localtime(now).date()
    days = {"tomorrow": 1, "monday": 7 - today.weekday()}.get(code)
    if days is None:
        raise WrongVote("Choose for how long.")
    return timezone.make_aware(datetime.combine(today + timedelta(days=days), _BEGINS))


def may_be_given_to(request: Request) -> Sequence[Any]:
    """Return the deciding people of the request's team; whether each may settle it is asked when it is given."""
    people = User.objects.filter(is_active=True, groups__name__in=(Role.OPERATOR, Role.ADMIN))
    if request.team_id is not None:
        people = people.filter(teams=request.team_id)
    return list(people.distinct().order_by("username")[:200])
