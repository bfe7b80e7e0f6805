"""One worker process from its start to its warm stop."""

import logging
import os
import sys
import threading
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.utils.module_loading import import_string

from approvals.audit import SYSTEM, record
from config.leash import stop_with_parent
from config.queues import WORK, rung, stopping
from config.worker.beats import Beats, process_name
from config.worker.chores import CHORES, Chores, bell
from config.worker.doorbell import listen
from config.worker.driver import Claimer, Driver

log = logging.getLogger(__name__)
# Dotted names: the claimers live in the apps, which this wiring knows and which do not know it.
CLAIMERS = ("agents.claims.RunClaimer", "integrations.jobs.EventClaimer")
# Begun here, because importing a vendor's SDK takes seconds that no run should wait for.
WARM_UP = "agents.providers.registry.warm"
# Before the first run is claimed: a restored copy of the database must not do the past once more.
FIRST = "approvals.sealing.restored.look_at_start"


def run_worker() -> None:
    """Work until told to stop, then finish the steps in hand and end the process."""
    if os.environ.get("COUNTERSIGN_SUPERVISED"):
        stop_with_parent()
    import_string(FIRST)()
    threading.Thread(target=import_string(WARM_UP), name="warm-up", daemon=True).start()
    driver = Driver(_claimers(), threads=settings.WORKER_THREADS, poll_s=settings.POLL_S, rung=rung, stopping=stopping)
    name = process_name("worker")
    beats = Beats(name=name, role="worker", every_s=settings.HEARTBEAT_S, in_flight=lambda: driver.in_flight)
    beats.start()
    driver.start()
    chores = Chores(CHORES, bell=bell, stopping=stopping)
    chores.start()
    log.info("Worker %s works with %s threads.", name, settings.WORKER_THREADS)
    listen(url=settings.REDIS_URL, queue=WORK, name=name, on_refused=record_refusal)
    _end(driver, chores, beats)


def record_refusal(job_id: str, problem: str) -> None:
    """Write into the audit trail that a job was refused: someone can write to Redis who should not."""
    try:
        with transaction.atomic():
            record(actor=SYSTEM, verb="job.refused", subject_type="job", subject_id=job_id[:80], why=problem)
    except DatabaseError:
        log.exception("The refused job could not be written into the audit trail.")
    finally:
        connections.close_all()


def _claimers() -> Sequence[Claimer]:
    return [import_string(path)() for path in CLAIMERS]


def _end(driver: Driver, chores: Chores, beats: Beats) -> None:
    log.info("Stopping: %s in hand.", driver.in_flight)
    in_time = driver.finish(settings.WARM_STOP_S)
    in_time = chores.finish(1.0) and in_time
    beats.stop()
    if not in_time:
        log.warning("Some work did not stop within %s s; its lease ends by itself.", settings.WARM_STOP_S)
    logging.shutdown()
    sys.stderr.flush()
    # Not sys.exit: it would wait for threads that are stuck in somebody's network.
    os._exit(0)
