"""A body has ten seconds to arrive. One thread per process hangs up on those that take longer.

A time-out on the socket would start anew with every byte, and a sender that drips would hold a thread for hours.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

BODY_S = 10.0
_LOOK_EVERY_S = 0.5


class _Watch:
    def __init__(self) -> None:
        self._deadlines: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._pid = 0

    def add(self, connection: socket.socket, seconds: float) -> None:
        with self._lock:
            self._deadlines[connection] = time.monotonic() + seconds
            if self._pid != os.getpid():
                self._start()

    def remove(self, connection: socket.socket) -> None:
        with self._lock:
            self._deadlines.pop(connection, None)

    def _start(self) -> None:
        # A fork takes the object along and leaves the thread behind.
        self._pid = os.getpid()
        threading.Thread(target=self._look, name="slow-senders", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            self._hang_up(time.monotonic())

    def _hang_up(self, now: float) -> None:
        with self._lock:
            late = [connection for connection, deadline in self._deadlines.items() if deadline < now]
            for connection in late:
                del self._deadlines[connection]
                _stop_reading(connection)


def _stop_reading(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        return  # it is gone already, which is what was wanted


_watch = _Watch()


@contextmanager
def time_to_read(connection: socket.socket | None, seconds: float = BODY_S) -> Iterator[None]:
    """End reading from the connection when the block takes longer than this; a server that gives no socket is not watched."""
    if connection is None:
        yield
        return
    _watch.add(connection, seconds)
    try:
        yield
    finally:
        _watch.remove(connection)
