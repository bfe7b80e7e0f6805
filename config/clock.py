"""What runs by itself, and how many seconds apart. One leader among any number of clocks, chosen by the database.

A task is a dotted name of a function without arguments. It must find out from rows what is due: a clock that was
away for a day does not catch up on ticks.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import psycopg
from django.conf import settings
from django.db import connection, connections
from django.utils.module_loading import import_string

from config.leash import stop_with_parent
from config.worker.beats import Beats, process_name

log = logging.getLogger(__name__)
TASKS: Mapping[str, float] = {
    "approvals.jobs.confirm_halts": 1,
    "approvals.jobs.expire_requests": 5,
    "approvals.jobs.remind_people": 15,
    "approvals.jobs.forget_api_calls": 3600,
    "approvals.jobs.seed_controls": 300,
    "agents.jobs.sweep_runs": 5,
    "integrations.jobs.sweep_events": 15,
    "integrations.practice.jobs.remind_overdue": 60,
}
# These run in threads of their own while this clock leads, so that no task stalls them. Each is given an event and goes on
# until it is set; a second one elsewhere does no harm.
KEEPERS = ("approvals.sealing.sealer.keep_sealing", "approvals.sealing.keeping.keep_checkpoints")
FIRST = "approvals.sealing.restored.look_at_start"
LEADER_LOCK = 7_160_001
STAND_BY_S = 2.0
TICK_S = 0.25


def run_clock() -> None:
    """Lead or stand by until told to stop."""
    stop = threading.Event()
    _stop_on_signals(stop)
    if os.environ.get("COUNTERSIGN_SUPERVISED"):
        stop_with_parent()
    tasks = {import_string(path): seconds for path, seconds in TASKS.items()}
    beats = Beats(name=process_name("clock"), role="clock", every_s=settings.HEARTBEAT_S)
    beats.start()
    while not stop.is_set():
        try:
            _lead_if_possible(tasks, stop)
        except psycopg.Error as problem:
            log.warning("The clock lost the database (%s); it stands by.", type(problem).__name__)
        stop.wait(STAND_BY_S)
    beats.stop()
    logging.shutdown()
    # At once: see config/supervisor/gunicorn_hooks.py.
    os._exit(0)


def _lead_if_possible(tasks: Mapping[Callable[[], object], float], stop: threading.Event) -> None:
    """Lead for as long as the lock's own connection lives; return when another clock leads or that connection died."""
    with _lock_connection() as lock:
        row = lock.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone()
        if not row or not row[0]:
            return
        log.info("This clock leads.")
        import_string(FIRST)()
        with _keeping():
            Ticker(tasks).run(stop, still_leading=lambda: lock.execute("SELECT 1") is not None)


@contextmanager
def _keeping() -> Iterator[None]:
    """Keep the keepers' threads for as long as this clock leads."""
    over = threading.Event()
    threads = [threading.Thread(target=import_string(path), args=(over,), name=path, daemon=True) for path in KEEPERS]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(5)


class Ticker:
    """Runs each task when its seconds are over."""

    def __init__(self, tasks: Mapping[Callable[[], object], float]) -> None:
        self._tasks = tasks
        self._due = dict.fromkeys(tasks, 0.0)

    def run(self, stop: threading.Event, *, still_leading: Callable[[], object]) -> None:
        """Tick until told to stop. `still_leading` raises when the lock may be another's by now."""
        while not stop.is_set():
            still_leading()
            self.tick(time.monotonic())
            stop.wait(TICK_S)

    def tick(self, now_s: float) -> None:
        """Run what is due at this moment of the monotonic clock; a task that fails stops no other."""
        for task, seconds in self._tasks.items():
            if now_s < self._due[task]:
                continue
            self._due[task] = now_s + seconds
            try:
                task()
            except Exception:
                log.exception("The task %s failed.", getattr(task, "__name__", task))
            finally:
                connections.close_all()


def _lock_connection() -> "psycopg.Connection[tuple[object, ...]]":
    # Not Django's connection: the lock must outlive every transaction and die with this process alone.
    parameters = {name: value for name, value in connection.get_connection_params().items() if name in _PLAIN}
    return psycopg.connect(**parameters, autocommit=True)


_PLAIN = (
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "connect_timeout",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
)


def _stop_on_signals(stop: threading.Event) -> None:
    def set_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, set_stop)
