"""Putting what came in into its row: one statement, one commit, and the second delivery finds the first."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from config.ids import new_id
from integrations.models import Event

# A test delivery names the person who sent it; only this installation can make the header's value.
MARK_HEADER, MARK_SALT, MARK_GOOD_S = "X-Countersign-Test", "integrations.test-delivery", 60
TWIN_WINDOW = timedelta(minutes=10)
_LONGEST_KEY = 280

# xmax is 0 only in a row that this statement has made.
_STORE = """
INSERT INTO integrations_event
    (id, source_id, dedupe_key, body, body_sha256, headers, state, problems, subject, kind, run_ids,
     duplicates, attempts, given_by_id, replay_of)
VALUES (%s, %s, %s, %s, %s, %s, 'received', '[]', '', '', '{}', 0, 0, %s, %s)
ON CONFLICT (source_id, dedupe_key) DO UPDATE SET duplicates = integrations_event.duplicates + 1
RETURNING id, xmax = 0
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the delivery is kept; `fresh` is False when it was there already."""

    event_id: UUID
    fresh: bool


def store_event(
    *,
    source_id: int,
    key: str,
    body: bytes,
    headers: Mapping[str, str],
    given_by_id: int | None = None,
    replay_of: UUID | None = None,
) -> Stored:
    """Keep the raw delivery, or count it as a duplicate of the one with the same key. One statement."""
    row: list[UUID | int | str | bytes | None] = [
        new_id(),
        source_id,
        key,
        body,
        hashlib.sha256(body).hexdigest(),
        json.dumps(dict(headers)),
        given_by_id,
        replay_of,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, row)
        event_id, fresh = cursor.fetchone()
    return Stored(event_id=event_id, fresh=fresh)


def store_unless_twin(
    *, source_id: int, body: bytes, headers: Mapping[str, str], now: datetime, given_by_id: int | None = None
) -> Stored:
    """Keep the raw delivery unless the same body came in the last ten minutes.

    A window has no unique key, so equal bodies queue up behind a lock for the length of this transaction.
    """
    digest = hashlib.sha256(body).hexdigest()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"event:{source_id}:{digest}"])
        twin = (
            Event.objects.filter(source_id=source_id, body_sha256=digest, received_at__gt=now - TWIN_WINDOW)
            .order_by("-received_at")
            .values_list("dedupe_key", flat=True)
            .first()
        )
        return store_event(
            source_id=source_id, key=twin or own_key(), body=body, headers=headers, given_by_id=given_by_id
        )


def own_key() -> str:
    """Return a key that nothing else has: this delivery is an event of its own."""
    return f"own:{new_id()}"


def sender_key(kind: str, name: str) -> str:
    """Return the key for a name that a sender gave; a long or odd one is hashed so that it fits and stays unique."""
    key = f"{kind}:{name}"
    if len(key) <= _LONGEST_KEY and name.isprintable():
        return key
    return f"{kind}-hash:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
