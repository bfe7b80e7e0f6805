"""The driver: looks for due work when someone rang, and every two seconds anyway, and hands it to threads."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from django.db import connections
from structlog.contextvars import clear_contextvars

log = logging.getLogger(__name__)
Task = Callable[[], None]


class Claimer(Protocol):
    """A kind of work that waits in the database."""

    def claim(self, free: int) -> Sequence[Task]:
        """Take up to `free` due pieces of work and return what does each of them."""


class Driver:
    """One thread that claims and a pool that works. Claims no more than there are free threads."""

    def __init__(
        self,
        claimers: Sequence[Claimer],
        *,
        threads: int,
        poll_s: float,
        rung: threading.Event,
        stopping: threading.Event,
    ) -> None:
        self._claimers = list(claimers)
        self._threads = threads
        self._poll_s = poll_s
        self._rung = rung
        self._stopping = stopping
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="work")
        self._busy: set[Future[None]] = set()
        self._lock = threading.Lock()
        # More was due than there were threads: look again as soon as one is free, not two seconds later.
        self._more_due = False
        self._thread = threading.Thread(target=self._drive, name="driver", daemon=True)

    @property
    def in_flight(self) -> int:
        with self._lock:
            return len(self._busy)

    def start(self) -> None:
        self._thread.start()

    def finish(self, within_s: float) -> bool:
        """Wait for the work in hand; return whether all of it came to a stop in time. Call it once stopping is set."""
        deadline = time.monotonic() + within_s
        self._thread.join(within_s)
        while self.in_flight and time.monotonic() < deadline:
            time.sleep(0.05)
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not self.in_flight

    def _drive(self) -> None:
        while not self._stopping.is_set():
            self._rung.clear()
            self._claim_all()
            self._rung.wait(self._poll_s)

    def _claim_all(self) -> None:
        # Each kind is first in turn, so that none starves when threads are scarce.
        self._claimers.append(self._claimers.pop(0))
        self._more_due = False
        for claimer in self._claimers:
            free = self._threads - self.in_flight
            if self._stopping.is_set():
                break
            if free <= 0:
                self._more_due = True
                break
            self._hand_over(self._claimed(claimer, free), free)
        connections.close_all()

    def _claimed(self, claimer: Claimer, free: int) -> Sequence[Task]:
        try:
            return claimer.claim(free)
        except Exception:
            log.exception("Looking for work failed; trying again in %s s.", self._poll_s)
            return ()

    def _hand_over(self, tasks: Sequence[Task], free: int) -> None:
        self._more_due = self._more_due or len(tasks) >= free
        for task in tasks:
            future = self._pool.submit(_run, task)
            with self._lock:
                self._busy.add(future)
            future.add_done_callback(self._done)

    def _done(self, future: "Future[None]") -> None:
        with self._lock:
            self._busy.discard(future)
        if self._more_due:
            self._rung.set()


def _run(task: Task) -> None:
    clear_contextvars()
    try:
        task()
    except Exception:
        log.exception("A piece of work ended with an error that nobody expected.")
    finally:
        connections.close_all()
