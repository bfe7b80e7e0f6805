"""TCP ports: is one free, and which one does the practice company get."""

import socket
import time
from collections.abc import Iterable

from config.embedded.accounts import CannotStart

LOOPBACK = "127.0.0.1"
PRACTICE_PORT = 8711


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def check_free(host: str, port: int, *, wait_s: float) -> None:
    """Raise CannotStart with what to do, when the port stays taken."""
    deadline = time.monotonic() + wait_s
    while not is_free(host, port):
        if time.monotonic() >= deadline:
            raise CannotStart(
                f"Port {port} is taken by another program. Stop that program, or choose another port: "
                f"PORT={port + 1} make run"
            )
        time.sleep(0.2)


def practice_port(wishes: Iterable[int]) -> int:
    """Return the first wished port that is free, else any free one."""
    for port in (*wishes, PRACTICE_PORT):
        if port and is_free(LOOPBACK, port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
