import threading
import time
from collections.abc import Callable, Sequence

from config.worker.driver import Driver, Task


class Pile:
    """Work that waits: `claim` hands out up to `free` of it."""

    def __init__(self, count: int, work: Task = lambda: None) -> None:
        self.waiting = count
        self.asked: list[int] = []
        self.done = 0
        self._work = work
        self._lock = threading.Lock()

    def claim(self, free: int) -> Sequence[Task]:
        self.asked.append(free)
        taken = min(free, self.waiting)
        self.waiting -= taken
        return [self._do] * taken

    def _do(self) -> None:
        self._work()
        with self._lock:
            self.done += 1


def _driver(*piles: Pile, threads: int = 4, poll_s: float = 60) -> tuple[Driver, threading.Event, threading.Event]:
    rung, stopping = threading.Event(), threading.Event()
    return Driver(piles, threads=threads, poll_s=poll_s, rung=rung, stopping=stopping), rung, stopping


def _until(true: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


def _end(driver: Driver, rung: threading.Event, stopping: threading.Event) -> bool:
    stopping.set()
    rung.set()
    return driver.finish(5)


def test_more_work_than_threads_is_done_without_waiting_for_the_next_poll() -> None:
    pile = Pile(50, work=lambda: time.sleep(0.002))
    driver, rung, stopping = _driver(pile)
    driver.start()
    assert _until(lambda: pile.done == 50)
    assert max(pile.asked) <= 4
    assert _end(driver, rung, stopping)


def test_a_ring_is_heard_at_once() -> None:
    pile = Pile(0)
    driver, rung, stopping = _driver(pile)
    driver.start()
    assert _until(lambda: len(pile.asked) == 1)
    pile.waiting = 1
    rung.set()
    assert _until(lambda: pile.done == 1, 1)
    assert _end(driver, rung, stopping)


def test_without_any_ring_it_looks_by_itself() -> None:
    pile = Pile(0)
    driver, rung, stopping = _driver(pile, poll_s=0.02)
    driver.start()
    pile.waiting = 1
    assert _until(lambda: pile.done == 1)
    assert _end(driver, rung, stopping)


def test_a_claimer_that_fails_and_a_task_that_fails_stop_nobody() -> None:
    class Broken(Pile):
        def claim(self, free: int) -> Sequence[Task]:
            raise RuntimeError("the database is away")

    def burst() -> None:
        raise RuntimeError("unexpected")

    good, bad = Pile(10), Pile(3, work=burst)
    driver, rung, stopping = _driver(Broken(0), good, bad, poll_s=0.02)
    driver.start()
    assert _until(lambda: good.done == 10 and bad.waiting == 0)
    assert _until(lambda: driver.in_flight == 0)
    assert _end(driver, rung, stopping)


def test_two_kinds_share_scarce_threads() -> None:
    first, second = Pile(200, work=lambda: time.sleep(0.001)), Pile(20, work=lambda: time.sleep(0.001))
    driver, rung, stopping = _driver(first, second, threads=1)
    driver.start()
    assert _until(lambda: second.done == 20)
    assert first.waiting > 0, "the smaller pile did not wait for the larger one to end"
    assert _end(driver, rung, stopping)


def test_warm_stop_claims_nothing_new_and_waits_for_what_is_in_hand() -> None:
    gate = threading.Event()
    pile = Pile(10, work=lambda: None if gate.wait(5) else None)
    driver, rung, stopping = _driver(pile, threads=2)
    driver.start()
    assert _until(lambda: driver.in_flight == 2)
    stopping.set()
    rung.set()
    threading.Timer(0.1, gate.set).start()
    assert driver.finish(5)
    assert (pile.done, pile.waiting) == (2, 8)


def test_warm_stop_does_not_wait_for_ever() -> None:
    gate = threading.Event()
    pile = Pile(1, work=lambda: None if gate.wait(10) else None)
    driver, rung, stopping = _driver(pile)
    driver.start()
    assert _until(lambda: driver.in_flight == 1)
    stopping.set()
    rung.set()
    assert not driver.finish(0.2)
    gate.set()
