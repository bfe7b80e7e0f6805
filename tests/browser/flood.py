"""Requests that keep coming, many a second, through the product's own verb and on a connection of their own."""

import threading
import time
from typing import Self

from django.db import connection, transaction

from approvals.audit import SYSTEM
from approvals.database_clock import database_now
from approvals.new_request import Opening
from approvals.opening import open_request
from approvals.states import RequestKind
from tests.desk import Desk


class Flood:
    """`with Flood(desk, per_second=50) as flood:` opens requests until the block ends; `opened` counts them."""

    def __init__(self, desk: Desk, *, per_second: int) -> None:
        self.desk, self.pause = desk, 1 / per_second
        self.opened, self.seconds, self.failure = 0, 0.0, ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flood")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    @property
    def per_second(self) -> float:
        return self.opened / self.seconds if self.seconds else 0

    def _run(self) -> None:
        began = time.monotonic()
        try:
            while not self._stop.is_set():
                # By the clock and not by pauses: a slow one is made up for by the next.
                if self.opened * self.pause > (late := time.monotonic() - began):
                    self._stop.wait(self.opened * self.pause - late)
                open_one(self.desk, self.opened)
                self.opened += 1
        except Exception as error:
            self.failure = repr(error)
            raise
        finally:
            self.seconds = time.monotonic() - began
            connection.close()


def open_one(desk: Desk, number: int, title: str = "") -> str:
    """Open a request that a person may decide alone; return its id."""
    name = title or f"Archive letter {number}"
    opening = Opening(
        kind=RequestKind.APPROVAL,
        title=name,
        card={"agent": desk.agent.name, "version": "1", "mode": "live", "arguments": [["letter", name]]},
        team_id=desk.team.pk,
        agent=desk.agent.name,
        subject=f"letter {number}",
        deadline_s=3600,
    )
    with transaction.atomic():
        return str(open_request(opening, actor=SYSTEM, now=database_now()).pk)
