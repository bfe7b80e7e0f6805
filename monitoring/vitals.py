"""How the installation is, in a few figures read at once. Ages in seconds by the database's clock."""

from dataclasses import dataclass

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from approvals.sealing.lag import LATE_S, seal_lag
from config.redis_client import redis_client

# A worker signs every few seconds; one that has not for this long is gone or stuck.
WORKER_SILENT_S = 30.0
# Due runs wait for a free thread, not for minutes.
RUN_OVERDUE_S = 60.0

_FIGURES = """
SELECT
  (SELECT extract(epoch FROM clock_timestamp() - max(seen_at)) FROM agents_workerbeat WHERE role = 'worker'),
  (SELECT extract(epoch FROM clock_timestamp() - max(seen_at)) FROM agents_workerbeat WHERE role = 'clock'),
  (SELECT extract(epoch FROM clock_timestamp() - min(due_at)) FROM agents_run
    WHERE state = 'queued' AND due_at <= clock_timestamp()),
  (SELECT count(*) FROM integrations_delivery
    WHERE state IN ('failed', 'gave_up') AND created_at > clock_timestamp() - interval '1 day')
"""
_COUNTS = {
    "countersign_runs": "SELECT state, count(*) FROM agents_run GROUP BY state",
    "countersign_actions": "SELECT state, count(*) FROM agents_action GROUP BY state",
    "countersign_requests": "SELECT state, count(*) FROM approvals_request GROUP BY state",
    "countersign_events": "SELECT state, count(*) FROM integrations_event GROUP BY state",
    "countersign_deliveries": "SELECT state, count(*) FROM integrations_delivery GROUP BY state",
    "countersign_processes": "SELECT role, count(*) FROM agents_workerbeat"
    " WHERE seen_at > clock_timestamp() - interval '30 seconds' GROUP BY role",
}


@dataclass(frozen=True)
class Vitals:
    """None means: there is none."""

    queue: bool
    worker_seen_s: float | None
    clock_seen_s: float | None
    oldest_due_run_s: float | None
    # Age of the oldest audit row that is not sealed; 0.0 when all are.
    seal_lag_s: float = 0.0
    # Messages of the last day that people have not got, because the other side did not take them.
    undelivered: int = 0

    @property
    def troubles(self) -> tuple[str, ...]:
        """Return one short sentence for each thing that is not as it should be."""
        found = (
            ("" if self.queue else "The Redis-protocol server is away; workers look for work by themselves."),
            _silent("worker", self.worker_seen_s),
            _silent("clock", self.clock_seen_s),
            f"A run has been due for {self.oldest_due_run_s:.0f} s."
            if _over(self.oldest_due_run_s, RUN_OVERDUE_S)
            else "",
            f"{self.undelivered} messages to people have not arrived." if self.undelivered else "",
            f"The audit trail has not been sealed for {self.seal_lag_s:.0f} s." if self.seal_lag_s > LATE_S else "",
        )
        return tuple(sentence for sentence in found if sentence)


def read_vitals() -> Vitals:
    """Read all figures. Raises DatabaseError when the database is away."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES)
        *ages, undelivered = cursor.fetchone()
    worker, clock, oldest = (None if value is None else float(value) for value in ages)
    return Vitals(
        queue=queue_answers(),
        worker_seen_s=worker,
        clock_seen_s=clock,
        oldest_due_run_s=oldest,
        seal_lag_s=seal_lag().age_s,
        undelivered=undelivered,
    )


def queue_answers() -> bool:
    try:
        return bool(redis_client().ping())
    except (RedisError, OSError):
        return False


class Migrations:
    """Whether the schema is what this code wants. Once it is, it stays so for the life of the process."""

    _current = False

    @classmethod
    def current(cls) -> bool:
        if not cls._current:
            executor = MigrationExecutor(connection)
            cls._current = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return cls._current


def counts() -> dict[str, dict[str, int]]:
    """Return, per figure, how many rows there are in each state."""
    with connection.cursor() as cursor:
        return {name: _counted(cursor, question) for name, question in _COUNTS.items()}


def _counted(cursor: object, question: str) -> dict[str, int]:
    cursor.execute(question)  # type: ignore[attr-defined]
    return dict(cursor.fetchall())  # type: ignore[attr-defined]


def _silent(role: str, seen_s: float | None) -> str:
    if seen_s is None:
        return f"No {role} runs."
    return f"The newest {role} was last seen {seen_s:.0f} s ago." if seen_s > WORKER_SILENT_S else ""


def _over(value: float | None, limit: float) -> bool:
    return value is not None and value > limit
