"""Who works on which run: claims in batches under lease and fence, heartbeats, and what a dead worker leaves behind.

A claim is one statement (SKIP LOCKED), so workers never wait for each other; the fence grows with each claim and every
later write carries it. Suspects (their last worker died) are claimed alone, so that a run which kills its worker
takes nobody along.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections, transaction

from agents import moves
from agents.loop import advance_run
from agents.models import Run
from agents.moves import move_run
from agents.states import RunState
from approvals.audit import SYSTEM
from approvals.database_clock import database_now
from config.logging import redacted_text
from config.queues import ring_after_commit, stopping
from config.worker.beats import process_name

log = logging.getLogger(__name__)
ALONE = "+alone"
DEATHS_ALLOWED = 3

# Halted agents and agents that already have their share of parallel runs are left in the queue.
_CLAIM = """
WITH due AS (
    SELECT r.id FROM agents_run r
      JOIN agents_agent g ON g.id = r.agent_id
      JOIN agents_agentversion v ON v.id = g.current_id
     WHERE r.state = 'queued' AND r.due_at <= clock_timestamp() AND r.suspect = %(suspect)s
       AND NOT EXISTS (SELECT 1 FROM approvals_halt h
                        WHERE h.released_at IS NULL AND h.stage = 'stopped'
                          AND (h.scope = 'global' OR h.scope = 'agent:' || g.name AND r.undoes_id IS NULL))
       AND (SELECT count(*) FROM agents_run busy WHERE busy.agent_id = r.agent_id AND busy.state = 'running')
           < coalesce((v.document->'limits'->>'parallel_runs')::int, 50)
     ORDER BY r.urgency, r.due_at
     LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED
), claimed AS (
    UPDATE agents_run r
       SET state = 'running', fence = fence + 1, lease_owner = %(owner)s, urgency = 5, waiting_for = '',
           lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s),
           started_at = coalesce(started_at, clock_timestamp())
      FROM due WHERE r.id = due.id RETURNING r.id, r.agent_id, r.subject, r.fence
), told AS (
    INSERT INTO approvals_auditevent (at, actor, actor_kind, verb, subject_type, subject_id, subject, run_id, agent,
                                      from_state, to_state, digest, data)
    SELECT clock_timestamp(), %(owner)s, 'system', 'run.running', 'run', c.id::text, c.subject, c.id, g.name,
           'queued', 'running', '', jsonb_build_object('fence', c.fence)
      FROM claimed c JOIN agents_agent g ON g.id = c.agent_id
)
SELECT id, set_config(%(standstill)s, %(standstill_ms)s, true) FROM claimed
"""

_BEAT = """
UPDATE agents_run SET lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
  FROM unnest(%(ids)s::uuid[], %(fences)s::bigint[]) AS held(id, fence)
 WHERE agents_run.id = held.id AND agents_run.fence = held.fence AND state = 'running'
"""


class RunClaimer:
    """Claims due runs for this process (the driver's protocol) and keeps their leases alive."""

    def __init__(self) -> None:
        self._owner = process_name("worker")
        self._leases = Leases()
        self._held = 0
        self._lock = threading.Lock()

    def claim(self, free: int) -> Sequence[Callable[[], None]]:
        """Take up to `free` due runs. A suspect is taken only by a worker that holds nothing else."""
        with self._lock:
            alone = self._held == 0
            busy_with_suspect = self._leases.alone
        if busy_with_suspect:
            return ()
        if alone:
            suspects = claim_runs(self._owner + ALONE, limit=1, suspect=True)
            if suspects:
                return self._tasks(suspects, alone=True)
        elif suspect_waits_too_long():
            return ()
        return self._tasks(claim_runs(self._owner, limit=free, suspect=False), alone=False)

    def _tasks(self, runs: Sequence[Run], *, alone: bool) -> Sequence[Callable[[], None]]:
        with self._lock:
            self._held += len(runs)
        for run in runs:
            self._leases.hold(run, alone=alone)
        return [partial(self._work, run) for run in runs]

    def _work(self, run: Run) -> None:
        try:
            advance_run(run, stopping=stopping.is_set)
        except Exception as error:
            log.exception("run %s: an error that nobody expected", run.number)
            give_up(run, error)
        finally:
            self._leases.drop(run)
            with self._lock:
                self._held -= 1


class Leases:
    """Renews the leases of the runs in hand from a thread of its own, and no lease longer than its run may work."""

    def __init__(self) -> None:
        self._held: dict[UUID, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.alone = False

    def hold(self, run: Run, *, alone: bool) -> None:
        seconds = float(run.version.document.get("limits", {}).get("seconds") or 300)
        with self._lock:
            self._held[run.pk] = (run.fence, time.monotonic() + 2 * seconds + 120)
            self.alone = self.alone or alone
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat_on, name="leases", daemon=True)
                self._thread.start()

    def drop(self, run: Run) -> None:
        with self._lock:
            self._held.pop(run.pk, None)
            if not self._held:
                self.alone = False

    def _beat_on(self) -> None:
        while True:
            time.sleep(settings.HEARTBEAT_S)
            try:
                self._beat()
            except DatabaseError as problem:
                log.warning("Leases could not be renewed: %s", type(problem).__name__)
            finally:
                connections.close_all()

    def _beat(self) -> None:
        now = time.monotonic()
        with self._lock:
            held = [(pk, fence) for pk, (fence, until) in self._held.items() if until > now]
        if not held:
            return
        ids, fences = zip(*held, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_BEAT, {"lease": settings.LEASE_S, "ids": list(ids), "fences": list(fences)})


def claim_runs(owner: str, *, limit: int, suspect: bool = False) -> list[Run]:
    """Return up to `limit` due runs, now running under our lease; each carries its new fence."""
    arguments: dict[str, Any] = {"suspect": suspect, "limit": limit, "owner": owner, "lease": settings.LEASE_S}
    patience = {"standstill": moves.STANDSTILL, "standstill_ms": str(moves.STANDSTILL_MS)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, arguments | patience)
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return []
    return list(Run.objects.filter(pk__in=ids).select_related("agent", "agent__team", "version"))


def claim_one(run_id: UUID, owner: str) -> Run | None:
    """Claim this very run if it is due (the foreground command), or return None."""
    rows = Run.objects.select_for_update(of=("self",), skip_locked=True).select_related(
        "agent", "agent__team", "version"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        run = rows.filter(pk=run_id, state=RunState.QUEUED).first()
        if run is None:
            return None
        move_run(run, RunState.RUNNING, actor=SYSTEM, fence=run.fence, lease_owner=owner)
        cursor.execute(
            "UPDATE agents_run SET fence = fence + 1, started_at = coalesce(started_at, clock_timestamp()),"
            " lease_expires_at = clock_timestamp() + make_interval(secs => %s) WHERE id = %s RETURNING fence",
            [3600, run_id],
        )
        run.fence = cursor.fetchone()[0]
    return run


def give_up(run: Run, error: Exception) -> None:
    """Put a run that broke its worker's code back for later; the third time it is a dead letter with the error.

    A database that went away in the middle is not the run's doing and does not count.
    """
    with transaction.atomic():
        held = Run.objects.select_for_update(of=("self",)).select_related("agent").get(pk=run.pk)
        if held.state == RunState.RUNNING and held.fence == run.fence:
            held.deaths_alone += not isinstance(error, OperationalError | InterfaceError)
            _free(held, f"It met an error: {type(error).__name__}: {_first_line(error)}", pause_s=5)


def _first_line(error: Exception) -> str:
    """Return what a page may say of an error: no secret, and none of the rows that a database quotes below."""
    return redacted_text(str(error).partition("\n")[0])[:300]


def suspect_waits_too_long() -> bool:
    """Return whether a suspect has waited so long that a busy worker should empty its hands for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM agents_run WHERE state = 'queued' AND suspect"
            " AND due_at < clock_timestamp() - make_interval(secs => %s))",
            [settings.LEASE_S],
        )
        waits: bool = cursor.fetchone()[0]
    return waits


def free_lost_runs(limit: int = 500) -> int:
    """Put runs whose lease ended back in the queue as suspects; one that killed three workers alone is a dead letter.

    Changes ownership, never outcome. Returns how many.
    """
    with transaction.atomic():
        rows = Run.objects.select_for_update(of=("self",), skip_locked=True).select_related("agent")
        lost = list(rows.extra(where=["agents_run.state = 'running' AND lease_expires_at < clock_timestamp()"])[:limit])  # noqa: S610 - no input
        for run in lost:
            run.deaths_alone += run.lease_owner.endswith(ALONE)
            _free(run, "Its worker died.")
        if lost:
            ring_after_commit()
    return len(lost)


def _free(run: Run, why: str, *, pause_s: float = 0) -> None:
    """Give the run back as a suspect, or, after three deaths of its own making, to the dead letters."""
    dead = run.deaths_alone >= DEATHS_ALLOWED
    changes: dict[str, Any] = {
        "suspect": True,
        "deaths_alone": run.deaths_alone,
        "lease_owner": "",
        "lease_expires_at": None,
        "due_at": database_now() + timedelta(seconds=pause_s),
        "waiting_for": f"{why} That was the third time; a person looks at it." if dead else why,
    }
    move_run(
        run,
        RunState.DEAD_LETTER if dead else RunState.QUEUED,
        actor=SYSTEM,
        verb="run.lost",
        fence=run.fence,
        **changes,
    )
