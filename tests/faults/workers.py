"""Worker processes that can be killed: forked from the test, so that a new one is at work in milliseconds."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import DatabaseError, connections

from agents.claims import RunClaimer, free_lost_runs
from agents.providers.registry import warm
from config.queues import rung, stopping
from config.worker.driver import Driver

THREADS = 6


@dataclass
class Workers:
    """Some workers, replaced as they die, and a clock that sweeps. `strike` kills or stalls one of them."""

    count: int
    stall_s: float
    rng: random.Random
    pids: list[int] = field(default_factory=list)
    kills: int = 0
    stalls: int = 0

    def fill(self) -> None:
        while len(self.pids) < self.count:
            self.pids.append(_fork())

    def strike(self) -> None:
        pid = self.rng.choice(self.pids)
        if self.rng.random() < 0.8:
            self._kill(pid)
            self.kills += 1
            self.fill()
        else:
            os.kill(pid, signal.SIGSTOP)
            threading.Timer(self.stall_s, _go_on, [pid]).start()
            self.stalls += 1

    def replace_dead(self) -> int:
        """Start a new worker for each one that died by itself; return how many did."""
        dead = [pid for pid in self.pids if os.waitpid(pid, os.WNOHANG)[0]]
        self.pids = [pid for pid in self.pids if pid not in dead]
        self.fill()
        return len(dead)

    def stop(self) -> None:
        for pid in list(self.pids):
            self._kill(pid)

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.pids.remove(pid)


@contextlib.contextmanager
def striking(*, count: int = 4, every_s: float, stall_s: float, seed: int = 1) -> Iterator[Workers]:
    """Run workers and strike one of them every few moments until the block ends."""
    # As a real worker does before it works: an SDK takes seconds to import, longer than a struck worker lives.
    warm()
    workers = Workers(count=count, stall_s=stall_s, rng=random.Random(seed))  # noqa: S311 - a repeatable sequence
    connections.close_all()
    workers.fill()
    done = threading.Event()
    thread = threading.Thread(target=_sweep, args=(done,), daemon=True)
    thread.start()
    try:
        yield workers
    finally:
        done.set()
        thread.join()
        workers.stop()


def _sweep(done: threading.Event) -> None:
    while not done.wait(0.3):
        # The clock, too, goes on by itself once the database is back.
        with contextlib.suppress(DatabaseError):
            free_lost_runs()
        connections.close_all()


def _go_on(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _fork() -> int:
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        rung.clear()
        stopping.clear()
        driver = Driver([RunClaimer()], threads=THREADS, poll_s=0.1, rung=rung, stopping=stopping)
        driver.start()
        time.sleep(600)
    finally:
        os._exit(1)
    return 0
