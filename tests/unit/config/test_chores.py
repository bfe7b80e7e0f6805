"""Chores run beside the runs, each in its own thread, and wake at a ring."""

import threading
import time
from collections.abc import Iterator

import pytest

from config.worker.chores import Bell, Chores

_done: list[str] = []
_left = 0
_seen = threading.Event()


def one_piece() -> bool:
    """A chore with `_left` pieces to do."""
    global _left
    if not _left:
        return False
    _left -= 1
    _done.append("piece")
    if not _left:
        _seen.set()
    return True


def always_fails() -> bool:
    _done.append("failed")
    raise RuntimeError("this chore cannot")


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    _done.clear()
    _seen.clear()
    yield


def _chores(path: str, every_s: float) -> tuple[Chores, Bell, threading.Event]:
    bell, stopping = Bell(), threading.Event()
    return Chores({f"{__name__}.{path}": every_s}, bell=bell, stopping=stopping), bell, stopping


def test_a_chore_goes_on_while_there_is_something_and_a_ring_wakes_it() -> None:
    global _left
    chores, bell, stopping = _chores("one_piece", 60)
    _left = 3
    chores.start()
    assert _seen.wait(5)
    _seen.clear()
    time.sleep(0.05)  # it waits by now
    _left = 2
    bell.ring()
    assert _seen.wait(5)
    assert _done == ["piece"] * 5
    stopping.set()
    assert chores.finish(5)


def test_a_ring_that_came_while_nobody_waited_is_heard() -> None:
    bell = Bell()
    bell.ring()
    begun = time.monotonic()
    heard = bell.wait(0, 30)
    assert heard == 1
    assert time.monotonic() - begun < 5
    assert bell.wait(heard, 0.01) == 1


def test_a_chore_that_fails_pauses_and_is_tried_again() -> None:
    chores, bell, stopping = _chores("always_fails", 0.05)
    chores.start()
    time.sleep(0.4)
    stopping.set()
    assert chores.finish(5)
    assert 2 <= len(_done) <= 12
