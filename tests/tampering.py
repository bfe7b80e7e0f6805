"""Six kinds of tampering by somebody who owns the tables, each at a random place; and a check that knows no chain."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from random import Random

from django.db import connection

from approvals.models import AuditCheckpoint, AuditEvent, AuditSeal
from approvals.sealing.sealer import seal_once
from config.ids import new_id

_COLUMNS = ("actor", "actor_kind", "verb", "subject_type", "subject_id", "agent", "from_state", "to_state")
_REHASH = """UPDATE approvals_auditevent SET payload_hash =
    sha256(salt || convert_to(countersign_audit_payload(subject, digest, data), 'UTF8')) WHERE seq = %s"""


def edit(random: Random) -> None:
    """Change one column of one row; half of the time the payload, with its hash made anew by one who knows how."""
    seq = _some(random)
    column = random.choice(
        (*_COLUMNS, "at", "xid", "run_id", "subject", "digest", "data", "salt", "payload_hash", "seal")
    )
    new = {
        "at": "at + interval '1 second'",
        "xid": "xid + 1",
        "run_id": f"'{new_id()}'",
        "data": "data || '{\"more\": 1}'",
        "salt": "NULL" if random.random() < 0.5 else "'\\x00'::bytea",
        "payload_hash": "sha256('x')",
    }.get(column, f"{column} || 'x'")
    if column == "seal":
        _do(
            "UPDATE approvals_auditseal SET sealed_at = sealed_at + interval '1 second' WHERE number = %s",
            _seal(random),
        )
        return
    _do(f"UPDATE approvals_auditevent SET {column} = {new} WHERE seq = %s", seq)
    if column in ("subject", "digest", "data") and random.random() < 0.5:
        _do(_REHASH, seq)


def insert(random: Random) -> None:
    """Slip a copy of a row in beside it, or between any two others."""
    seq = random.choice(_sealed()[:-1])
    names = [field.column for field in AuditEvent._meta.fields if field.column != "seq"]
    _do(
        f"INSERT INTO approvals_auditevent (seq, {', '.join(names)})"
        f" SELECT %s, {', '.join(names)} FROM approvals_auditevent WHERE seq = %s",
        random.choice([-random.randrange(1, 10**6), 10**9 + random.randrange(10**6)]),
        seq,
    )


def delete(random: Random) -> None:
    _do("DELETE FROM approvals_auditevent WHERE seq = %s", _some(random))


def reorder(random: Random) -> None:
    """Let two rows change places, each keeping all it says but its number."""
    one, other = random.sample(_sealed(), 2)
    for old, new in ((one, -1), (other, one), (-1, other)):
        _do("UPDATE approvals_auditevent SET seq = %s WHERE seq = %s", new, old)
    _do(
        "UPDATE approvals_auditevent a SET xid = b.xid FROM approvals_auditevent b"
        " WHERE a.seq IN (%s, %s) AND b.seq IN (%s, %s) AND a.seq <> b.seq",
        one,
        other,
        one,
        other,
    )


def tail_cut(random: Random) -> None:
    """Take away the newest rows and, as a careful person would, their seals and checkpoints."""
    last = AuditCheckpoint.objects.latest("number")
    totals = [total for total in AuditSeal.objects.values_list("total", flat=True) if total < last.count]
    keep = AuditSeal.objects.get(total=random.choice(totals))
    _do("DELETE FROM approvals_auditcheckpoint")
    _do("DELETE FROM approvals_auditseal WHERE number > %s", keep.number)
    _do("DELETE FROM approvals_auditevent WHERE (xid, seq) > (%s, %s)", keep.last_xid, keep.last_seq)


def full_rewrite(random: Random) -> None:
    """Change a row below the checkpoint and make every hash and seal anew."""
    limit = AuditCheckpoint.objects.latest("number").count
    rows = list(AuditEvent.objects.order_by("xid", "seq").values_list("seq", flat=True)[:limit])
    seq = random.choice(rows)
    _do("UPDATE approvals_auditevent SET actor = 'someone else', subject = subject || 'x' WHERE seq = %s", seq)
    _do(_REHASH, seq)
    seals = list(AuditSeal.objects.order_by("number").values_list("count", flat=True))
    _do("DELETE FROM approvals_auditcheckpoint")
    _do("DELETE FROM approvals_auditseal")
    for count in seals:
        seal_once(count)


def _off() -> None:
    with connection.cursor() as cursor:
        for table in ("auditevent", "auditseal", "auditcheckpoint"):
            cursor.execute(f"ALTER TABLE approvals_{table} DISABLE TRIGGER USER")


def _guards_off(kind: Callable[[Random], None]) -> Callable[[Random], None]:
    def tamper(random: Random) -> None:
        _off()
        kind(random)

    return tamper


KINDS: Mapping[str, Callable[[Random], None]] = {
    "edit": _guards_off(edit),
    "insert": _guards_off(insert),
    "delete": _guards_off(delete),
    "reorder": _guards_off(reorder),
    "tail cut": _guards_off(tail_cut),
    "full rewrite": _guards_off(full_rewrite),
}


def naive_problems() -> list[int]:
    """Return the rows whose own hash is wrong: all that can be seen without a chain."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, salt, countersign_audit_payload(subject, digest, data), payload_hash FROM approvals_auditevent"
        )
        return [
            seq
            for seq, salt, payload, hashed in cursor.fetchall()
            if salt is not None and sha256(bytes(salt) + payload.encode()).digest() != bytes(hashed)
        ]


def _sealed() -> list[int]:
    last = AuditSeal.objects.latest("number")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq FROM approvals_auditevent WHERE (xid, seq) <= (%s, %s) ORDER BY xid, seq",
            [last.last_xid, last.last_seq],
        )
        return [row[0] for row in cursor.fetchall()]


def _some(random: Random) -> int:
    return random.choice(_sealed())


def _seal(random: Random) -> int:
    return random.randint(1, AuditSeal.objects.latest("number").number)


def _do(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values) or None)
