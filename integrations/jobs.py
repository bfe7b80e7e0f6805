"""Workers and the clock come in here: claim received events, judge them, and put aside what cannot be judged."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from integrations.models import Event
from integrations.services import MOST_ATTEMPTS, give_up, process_event
from integrations.states import EventState

# A lease that ended is one whose worker died while judging: the next one takes it over.
_CLAIM = """
UPDATE integrations_event SET attempts = attempts + 1, lease_expires_at = clock_timestamp() + %s * interval '1 second'
 WHERE id IN (
    SELECT id FROM integrations_event
     WHERE state = 'received' AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
     ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, attempts
"""
_MOST_AT_ONCE = 50


class EventClaimer:
    """Claims received events for this process; the row's state, not the lease, keeps two from judging one."""

    def claim(self, free: int) -> list[Callable[[], None]]:
        """Return one callable per claimed event, at most `free`."""
        if free <= 0:
            return []
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [settings.LEASE_S, min(free, _MOST_AT_ONCE)])
            claimed: list[tuple[UUID, int]] = cursor.fetchall()
        return [_work(event_id, attempts) for event_id, attempts in claimed]


def sweep_events(**_later: Any) -> None:
    """Put aside received events that failed too often; called by the clock, in case no worker meets them again."""
    stuck = Event.objects.filter(state=EventState.RECEIVED, attempts__gt=MOST_ATTEMPTS)
    for event_id in stuck.values_list("pk", flat=True)[:_MOST_AT_ONCE]:
        give_up(event_id=event_id)


def _work(event_id: UUID, attempts: int) -> Callable[[], None]:
    verb = give_up if attempts > MOST_ATTEMPTS else process_event
    return partial(verb, event_id=event_id)
