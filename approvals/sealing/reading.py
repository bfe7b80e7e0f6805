"""The sealed trail as the records that the verifier reads: from the database to a file, or straight into a check."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from approvals.installation import installation_id
from approvals.models import AuditCheckpoint, AuditSeal
from approvals.sealing.sealer import stamp
from approvals.sealing.verify_audit import FORMAT, Record, genesis

_CHUNK = 2_000
_SEALS = """
SELECT number, count, total, previous, chain, marks, sealed_at, after_seq, first_xid, first_seq, last_xid, last_seq
  FROM approvals_auditseal WHERE number >= %s AND number <= %s ORDER BY number
"""
# Rows in the order of the chain. What an intruder put between sealed rows stands between them here as well.
_ROWS = """
SELECT countersign_audit_header(e), countersign_audit_payload(e.subject, e.digest, e.data), e.salt, e.payload_hash,
       e.xid, e.seq
  FROM approvals_auditevent e
 WHERE (%(after)s = 0 OR e.seq > %(after)s) AND e.seq <= %(until)s AND (e.xid, e.seq) > (%(xid)s, %(seq)s)
   AND (e.xid, e.seq) <= (%(last_xid)s, %(last_seq)s)
 ORDER BY e.xid, e.seq
"""
_NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Seal:
    number: int
    count: int
    total: int
    previous: bytes
    chain: bytes
    marks: bytes
    sealed_at: Any
    after_seq: int
    first_xid: int
    first_seq: int
    last_xid: int
    last_seq: int

    def record(self) -> Record:
        return {
            "kind": "seal",
            "number": self.number,
            "count": self.count,
            "total": self.total,
            "previous": bytes(self.previous).hex(),
            "chain": bytes(self.chain).hex(),
            "marks": bytes(self.marks).hex(),
            "sealed_at": stamp(self.sealed_at),
        }


def sealed_records(first: int = 1, last: int | None = None) -> Iterator[Record]:
    """Yield head, checkpoints, each seal with its rows, and end; from seal `first` to seal `last`, one snapshot.

    Memory does not grow with the trail: rows and seals come through cursors of the server.
    """
    with transaction.atomic():
        yield _head(first)
        for checkpoint in AuditCheckpoint.objects.order_by("number").iterator(chunk_size=_CHUNK):
            yield {"kind": "checkpoint", "document": checkpoint.document, "signature": checkpoint.signature}
        yield from _batches(first, last)
        yield {"kind": "end"}


def export_lines(first: int = 1, last: int | None = None) -> Iterator[str]:
    """Yield the same as JSON lines: the file that the stand-alone verifier reads."""
    for record in sealed_records(first, last):
        yield json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


def seal_of_place(place: int) -> AuditSeal | None:
    """Return the seal that covers this place in the chain (1 is the first row)."""
    return AuditSeal.objects.filter(total__gte=place).order_by("total").first()


def _head(first: int) -> Record:
    org = str(installation_id())
    head: dict[str, Any] = {"kind": "head", "format": FORMAT, "org": org}
    if first > 1:
        before = AuditSeal.objects.filter(number=first - 1).first()
        chain = bytes(before.chain) if before else genesis(org)
        total = before.total if before else 0
        head["start"] = {"seal": first - 1, "total": total, "chain": chain.hex()}
    return head


def _batches(first: int, last: int | None) -> Iterator[Record]:
    """Yield each seal and the rows up to its last one. A row after the last seal's is not sealed, so not here."""
    bound = last if last is not None else _NEVER
    seals = [_Seal(*row) for row in _fetched(_SEALS, [first, bound])] if bound - first < _CHUNK else None
    source = iter(seals) if seals is not None else (_Seal(*row) for row in _streamed("seals", _SEALS, [first, bound]))
    for group in _counted_together(source):
        yield from _rows_of(group)


def _counted_together(seals: Iterator[_Seal]) -> Iterator[list[_Seal]]:
    """Yield runs of at most a thousand seals that count their transactions alike."""
    group: list[_Seal] = []
    for seal in seals:
        if group and (seal.after_seq != group[0].after_seq or len(group) >= 1_000):
            yield group
            group = []
        group.append(seal)
    if group:
        yield group


def _rows_of(group: list[_Seal]) -> Iterator[Record]:
    begin = _just_before(group[0])
    rows = _streamed(
        "rows",
        _ROWS,
        {
            "after": group[0].after_seq,
            "until": _until(group[0].after_seq),
            "xid": begin[0],
            "seq": begin[1],
            "last_xid": group[-1].last_xid,
            "last_seq": group[-1].last_seq,
        },
    )
    row = next(rows, None)
    for index, seal in enumerate(group):
        yield seal.record()
        final = index == len(group) - 1
        while row is not None and (final or (row[4], row[5]) <= (seal.last_xid, seal.last_seq)):
            yield _row_record(row)
            row = next(rows, None)


def _just_before(seal: _Seal) -> tuple[int, int]:
    """Return where the seal before this one ended, so that a row slipped in at the front is read as well."""
    before = AuditSeal.objects.filter(number=seal.number - 1, after_seq=seal.after_seq).first()
    return (before.last_xid, before.last_seq) if before else (-1, -(2**62))


def _until(after_seq: int) -> int:
    """Return the last number of this counting: where the next one begins."""
    following = AuditSeal.objects.filter(after_seq__gt=after_seq).order_by("number").first()
    return following.after_seq if following else _NEVER


def _row_record(row: tuple[Any, ...]) -> Record:
    header, payload, salt, payload_hash = row[:4]
    return {
        "kind": "row",
        "header": header,
        "payload": payload if salt is not None else None,
        "salt": bytes(salt).hex() if salt is not None else None,
        "hash": bytes(payload_hash or b"").hex(),
    }


def _fetched(question: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return list(cursor.fetchall())


def _streamed(name: str, question: str, values: Any) -> Iterator[tuple[Any, ...]]:
    connection.ensure_connection()
    with connection.connection.cursor(name=f"audit_{name}") as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(question, values)
        yield from cursor
