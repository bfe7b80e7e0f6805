"""The background sealer: one at a time by advisory lock, in (transaction, number) order, five times a second."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from typing import Any

from django.db import DatabaseError, connection, connections, transaction

from approvals.database_clock import database_now
from approvals.installation import installation_id
from approvals.models import AuditSeal
from approvals.sealing.verify_audit import MARK_BYTES, genesis, seal_of

log = logging.getLogger(__name__)
SEAL_LOCK = 7_160_002
EVERY_S = 0.2
MOST_ROWS = 5_000

# A row enters only when every transaction that began before its own has ended: nothing can still slip in ahead of it.
_NEXT = """
SELECT e.seq, e.xid, sha256(convert_to(countersign_audit_header(e), 'UTF8') || '\\x0a'::bytea || e.payload_hash)
  FROM approvals_auditevent e
 WHERE (%(after)s = 0 OR e.seq > %(after)s) AND (e.xid, e.seq) > (%(xid)s, %(seq)s) AND e.xid < %(below)s
 ORDER BY e.xid, e.seq LIMIT %(limit)s
"""
# One statement, one snapshot: a row whose transaction this snapshot cannot know yet came from another server.
_FRONTIER = """
SELECT pg_snapshot_xmin(s)::text::bigint,
       (SELECT max(seq) FROM approvals_auditevent WHERE xid >= pg_snapshot_xmax(s)::text::bigint),
       EXISTS (SELECT 1 FROM approvals_auditevent
                WHERE xid >= pg_snapshot_xmax(s)::text::bigint AND seq > %s AND (xid, seq) > (%s, %s))
  FROM pg_current_snapshot() s
"""
_NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the chain ends now."""

    number: int = 0
    after_seq: int = 0
    xid: int = 0
    seq: int = 0
    high_seq: int = 0
    total: int = 0
    chain: bytes = b""


def chain_tip() -> Tip:
    last = AuditSeal.objects.defer("marks").order_by("-number").first()
    if last is None:
        return Tip(chain=genesis(str(installation_id())))
    return Tip(
        number=last.number,
        after_seq=last.after_seq,
        xid=last.last_xid,
        seq=last.last_seq,
        high_seq=last.high_seq,
        total=last.total,
        chain=bytes(last.chain),
    )


def seal_once(limit: int = MOST_ROWS, *, wait: bool = False) -> int:
    """Seal the next rows that are ready. Returns how many; 0 when there are none or another sealer is at it."""
    with transaction.atomic():
        if not _locked(wait):
            return 0
        tip = chain_tip()
        with connection.cursor() as cursor:
            tip, below = _frontier(cursor, tip)
            cursor.execute(
                _NEXT, {"after": tip.after_seq, "xid": tip.xid, "seq": tip.seq, "below": below, "limit": limit}
            )
            rows = cursor.fetchall()
        if rows:
            _write(tip, rows)
        return len(rows)


def seal_all(within_s: float = 5.0) -> bool:
    """Seal on demand whatever is ready now. Returns False when the time did not suffice."""
    deadline = time.monotonic() + within_s
    while seal_once(wait=True):
        if time.monotonic() > deadline:
            return False
    return True


def keep_sealing(stop: threading.Event) -> None:
    """Seal until told to stop, on a connection of this thread's own. The clock that leads runs it in a thread."""
    try:
        while not stop.is_set():
            if not _sealed_quietly():
                stop.wait(EVERY_S)
    finally:
        connections.close_all()


def _sealed_quietly() -> bool:
    """Return whether there may be more at once."""
    try:
        return seal_once() == MOST_ROWS
    except DatabaseError as problem:
        log.warning("The audit trail could not be sealed (%s); it is tried again.", type(problem).__name__)
        connections.close_all()
        return False


def _locked(wait: bool) -> bool:
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT true FROM (SELECT pg_advisory_xact_lock(%s)) held", [SEAL_LOCK])
        else:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEAL_LOCK])
        return bool(cursor.fetchone()[0])


def _frontier(cursor: Any, tip: Tip) -> tuple[Tip, int]:
    """Return where to go on and below which transaction.

    A dump that was read into another server brings transaction numbers from the future. Then the old counting is sealed
    to its end first, and what was written since, with small numbers again, begins a counting of its own after it.
    """
    cursor.execute(_FRONTIER, [tip.after_seq, tip.xid, tip.seq])
    below, future_seq, to_finish = cursor.fetchone()
    if (future_seq or 0) <= tip.after_seq:
        return tip, below
    if to_finish:
        return tip, _NEVER
    boundary = max(future_seq, tip.high_seq)
    return Tip(tip.number, boundary, 0, 0, boundary, tip.total, tip.chain), below


def _write(tip: Tip, rows: Sequence[tuple[int, int, bytes]]) -> None:
    running, marks = tip.chain, bytearray()
    for _seq, _xid, leaf in rows:
        running = sha256(running + bytes(leaf)).digest()
        marks += bytes(leaf)[:MARK_BYTES]
    number, total = tip.number + 1, tip.total + len(rows)
    sealed_at = database_now()
    AuditSeal.objects.create(
        number=number,
        sealed_at=sealed_at,
        after_seq=tip.after_seq,
        first_xid=rows[0][1],
        first_seq=rows[0][0],
        last_xid=rows[-1][1],
        last_seq=rows[-1][0],
        high_seq=max(tip.high_seq, *(row[0] for row in rows)),
        count=len(rows),
        total=total,
        previous=tip.chain,
        chain=seal_of(running, number=number, count=len(rows), total=total, sealed_at=stamp(sealed_at)),
        marks=bytes(marks),
    )


def stamp(at: Any) -> str:
    """Return a time as it stands in the chain."""
    return str(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
