"""A worker in threads of the test's own process: the real driver, claimer and loop, with no waiting between looks."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from agents.claims import RunClaimer
from config.worker.driver import Driver


@contextlib.contextmanager
def crew(*, threads: int = 4) -> Iterator[Driver]:
    stopping = threading.Event()
    driver = Driver([RunClaimer()], threads=threads, poll_s=0.05, rung=threading.Event(), stopping=stopping)
    driver.start()
    try:
        yield driver
    finally:
        stopping.set()
        assert driver.finish(30)


def wait_until(true: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
