"""A process's sign of life as a row, so that /readyz knows the newest worker without asking Redis."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import timedelta

from django.apps import apps
from django.db import DatabaseError, connections
from django.db.models.functions import Now

log = logging.getLogger(__name__)
FORGET_AFTER = timedelta(hours=1)


def process_name(role: str) -> str:
    """Return a name that is this process's alone among all machines."""
    return f"{role}-{socket.gethostname()[:80]}-{os.getpid()}"


class Beats:
    """Writes the row every few seconds from a thread of its own, until `stop`."""

    def __init__(self, *, name: str, role: str, every_s: float, in_flight: Callable[[], int] = lambda: 0) -> None:
        self._name = name
        self._role = role
        self._every_s = every_s
        self._in_flight = in_flight
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="beats", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop and take the row away: a process that left is not a process that died."""
        self._done.set()
        self._thread.join(5)
        self._quietly(self._remove)

    def _beat_on(self) -> None:
        while not self._done.is_set():
            self._quietly(self._beat)
            self._done.wait(self._every_s)

    def _beat(self) -> None:
        rows = apps.get_model("agents", "WorkerBeat").objects
        facts = {"role": self._role, "seen_at": Now(), "runs": self._in_flight()}
        _row, first = rows.update_or_create(name=self._name, defaults=facts)
        if first:
            rows.filter(seen_at__lt=Now() - FORGET_AFTER).delete()

    def _remove(self) -> None:
        apps.get_model("agents", "WorkerBeat").objects.filter(name=self._name).delete()

    def _quietly(self, act: Callable[[], None]) -> None:
        try:
            act()
        except DatabaseError as problem:
            log.warning("No sign of life written: %s", type(problem).__name__)
        finally:
            connections.close_all()
