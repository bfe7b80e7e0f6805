"""Verifying the chain where it lies, and what the pages say about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from approvals.audit import Actor, record
from approvals.models import AuditCheckpoint, AuditEvent, AuditSeal
from approvals.sealing.checkpoints import last_checkpoint
from approvals.sealing.delivery import undelivered
from approvals.sealing.keys import public_keys
from approvals.sealing.lag import Lag, seal_lag
from approvals.sealing.reading import seal_of_place, sealed_records
from approvals.sealing.sealer import seal_all
from approvals.sealing.verify_audit import Checker, Checkpoint, Report

# A page waits for a second or two at most; the whole of a long trail is for the command.
MOST_ROWS_ON_A_PAGE = 100_000
VERIFIED = "audit.verified"


@dataclass(frozen=True, slots=True)
class ChainState:
    """What stands over the list: how far it is sealed, signed and verified."""

    sealed: int
    sealed_at: datetime | None
    lag: Lag
    checkpoint: AuditCheckpoint | None
    stuck: list[Any]
    verified: AuditEvent | None

    @property
    def unsound(self) -> bool:
        return self.verified is not None and not self.verified.data.get("sound", True)


def chain_state() -> ChainState:
    last = AuditSeal.objects.order_by("-number").values_list("total", "sealed_at").first()
    return ChainState(
        sealed=last[0] if last else 0,
        sealed_at=last[1] if last else None,
        lag=seal_lag(),
        checkpoint=last_checkpoint(),
        stuck=undelivered(),
        verified=AuditEvent.objects.filter(subject_type="audit", subject_id="chain", verb=VERIFIED)
        .order_by("-seq")
        .first(),
    )


def verify_all(
    *, actor: Actor, keys: Mapping[str, str] | None = None, checkpoints: Sequence[Checkpoint] = ()
) -> Report:
    """Verify everything that is sealed, against what lies outside too, and write down what was found."""
    seal_all()
    checker = Checker(keys=public_keys() if keys is None else keys, checkpoints=list(checkpoints))
    return _verified(actor, "everything", checker, first=1, last=None)


def verify_newest(*, actor: Actor) -> Report:
    """Verify everything, or of a long trail the newest part: the whole of it is for `manage.py verify_audit`."""
    seal_all()
    total = AuditSeal.objects.order_by("-number").values_list("total", flat=True).first() or 0
    if total <= MOST_ROWS_ON_A_PAGE:
        return verify_all(actor=actor)
    return verify_places(total - MOST_ROWS_ON_A_PAGE, total, actor=actor)


def verify_places(first: int, last: int, *, actor: Actor) -> Report:
    """Verify the batches that hold these places in the chain."""
    begin, end = seal_of_place(max(first, 1)), seal_of_place(last)
    if begin is None:
        return Report(0, 0, 0, 0, (), ("nothing is sealed there yet",))
    checker = Checker(keys=public_keys())
    until = end.number if end else None
    return _verified(actor, f"places {first} to {last}", checker, first=begin.number, last=until)


def _verified(actor: Actor, what: str, checker: Checker, *, first: int, last: int | None) -> Report:
    report = checker.check(sealed_records(first, last))
    record(
        actor=actor,
        verb=VERIFIED,
        subject_type="audit",
        subject_id="chain",
        subject=what,
        sound=report.sound,
        rows=report.rows,
        erased=report.erased,
        problems=list(report.problems),
    )
    return report


@dataclass(frozen=True, slots=True)
class Place:
    """Where one row stands in the chain."""

    number: int
    seal: AuditSeal

    @property
    def chain(self) -> str:
        return bytes(self.seal.chain).hex()

    @property
    def previous(self) -> str:
        return bytes(self.seal.previous).hex()


_PLACE = """
SELECT s.number, s.total - s.count + (
         SELECT count(*) FROM approvals_auditevent e
          WHERE (e.xid, e.seq) >= (s.first_xid, s.first_seq) AND (e.xid, e.seq) <= (%(xid)s, %(seq)s)
            AND (s.after_seq = 0 OR e.seq > s.after_seq))
  FROM approvals_auditseal s
 WHERE s.after_seq = (SELECT coalesce(max(after_seq), 0) FROM approvals_auditseal WHERE after_seq < %(seq)s)
   AND (s.last_xid, s.last_seq) >= (%(xid)s, %(seq)s) AND (s.first_xid, s.first_seq) <= (%(xid)s, %(seq)s)
 ORDER BY s.last_xid, s.last_seq LIMIT 1
"""


def place_of(event: AuditEvent) -> Place | None:
    """Return the row's place, or None while it is not sealed."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, {"xid": event.xid, "seq": event.seq})
        found = cursor.fetchone()
    if found is None:
        return None
    return Place(found[1], AuditSeal.objects.defer("marks").get(pk=found[0]))


def checkpoints() -> list[AuditCheckpoint]:
    """Return the newest checkpoints with where they went."""
    return list(AuditCheckpoint.objects.prefetch_related("deliveries").order_by("-number")[:50])
