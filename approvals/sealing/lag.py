"""How far the sealer is behind, and who keeps it waiting."""

from dataclasses import dataclass

from django.db import connection

from approvals.sealing.sealer import chain_tip

LATE_S = 10.0

_UNSEALED = """
SELECT count(*), extract(epoch FROM clock_timestamp() - min(at))
  FROM (SELECT at FROM approvals_auditevent WHERE (%s = 0 OR seq > %s) AND (xid, seq) > (%s, %s) LIMIT 100000) waiting
"""
_HOLDER = """
SELECT pid, coalesce(application_name, ''), coalesce(state, ''), extract(epoch FROM clock_timestamp() - xact_start)
  FROM pg_stat_activity
 WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xid) DESC LIMIT 1
"""
_PREPARED = (
    "SELECT gid, extract(epoch FROM clock_timestamp() - prepared) FROM pg_prepared_xacts ORDER BY prepared LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Lag:
    """Rows that are written and not sealed yet, and the age of the oldest (s)."""

    rows: int
    age_s: float

    @property
    def late(self) -> bool:
        return self.age_s > LATE_S


def seal_lag() -> Lag:
    tip = chain_tip()
    with connection.cursor() as cursor:
        cursor.execute(_UNSEALED, [tip.after_seq, tip.after_seq, tip.xid, tip.seq])
        rows, age_s = cursor.fetchone()
    return Lag(rows=rows, age_s=float(age_s or 0))


def holder() -> str:
    """Return in words which transaction keeps the sealer waiting; "" when none does."""
    with connection.cursor() as cursor:
        cursor.execute(_PREPARED)
        prepared = cursor.fetchone()
        if prepared:
            return f"the prepared transaction {prepared[0]} has been open for {prepared[1]:.0f} s"
        cursor.execute(_HOLDER)
        found = cursor.fetchone()
    if found is None:
        return ""
    pid, name, state, age_s = found
    return f"process {pid}{f' ({name})' if name else ''} has had a transaction open for {age_s or 0:.0f} s, {state}"
