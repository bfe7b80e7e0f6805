"""Work beside the runs: answers, deliveries, replays. Each kind has a thread of its own, so none waits for another.

A chore is a dotted name of a function without arguments that claims its own rows (SKIP LOCKED), does one bounded piece
and returns whether it did something. Any number of workers call it at once; rows, not this list, say what is due.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from django.db import connections
from django.utils.module_loading import import_string
from structlog.contextvars import clear_contextvars

log = logging.getLogger(__name__)
Chore = Callable[[], bool]
# Seconds between two looks when there was nothing to do. A ring wakes all of them at once.
CHORES: Mapping[str, float] = {
    "agents.overtaken.supersede_overtaken": 3.0,
    "agents.asking.answer_one": 2.0,
    "agents.undo.rollbacks.advance_one": 2.0,
    "integrations.deliveries.deliver_some": 2.0,
    "integrations.deliveries.deliver_mail": 2.0,
    "approvals.replays.work_on_replay": 2.0,
    "approvals.standing_use.answer_identical": 2.0,
}


class Bell:
    """Wakes every waiter, and whoever was busy while it rang does not wait next time."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def wait(self, heard: int, timeout_s: float) -> int:
        """Return how often it rang so far: at once when that is more than `heard`, else after a ring or the time-out."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings != heard, timeout_s)
            return self._rings


bell = Bell()


class Chores:
    """One thread per chore until `stopping` is set."""

    def __init__(self, chores: Mapping[str, float], *, bell: Bell, stopping: threading.Event) -> None:
        self._bell = bell
        self._stopping = stopping
        self._threads: Sequence[threading.Thread] = [
            threading.Thread(target=self._keep_doing, args=(path, seconds), name=path, daemon=True)
            for path, seconds in chores.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self, within_s: float) -> bool:
        """Wake all, wait for the pieces in hand; return whether all came to a stop. Call it once stopping is set."""
        self._bell.ring()
        for thread in self._threads:
            thread.join(within_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _keep_doing(self, path: str, every_s: float) -> None:
        chore: Chore = import_string(path)
        heard = 0
        while not self._stopping.is_set():
            if not _did_something(chore, path):
                heard = self._bell.wait(heard, every_s)


def _did_something(chore: Chore, path: str) -> bool:
    """Do one piece. One that fails counts as nothing done, so that it is not tried again without a pause."""
    clear_contextvars()
    try:
        return chore()
    except Exception:
        log.exception("The chore %s failed; it is tried again later.", path)
        return False
    finally:
        connections.close_all()
