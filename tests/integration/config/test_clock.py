import threading
import time
from typing import Any

import pytest
from django.utils.module_loading import import_string

from config import clock
from config.clock import KEEPERS, TASKS, Ticker


def _raises() -> None:
    raise RuntimeError("a task that fails")


def test_every_task_can_be_imported() -> None:
    for path in (*TASKS, *KEEPERS):
        assert callable(import_string(path)), path


def test_task_runs_when_its_seconds_are_over_and_a_failing_one_stops_no_other() -> None:
    ran: list[str] = []
    ticker = Ticker({_raises: 1.0, lambda: ran.append("often"): 1.0, lambda: ran.append("seldom"): 10.0})
    for second in range(11):
        ticker.tick(100.0 + second)
    assert (ran.count("often"), ran.count("seldom")) == (11, 2)


@pytest.mark.django_db(transaction=True)
def test_of_two_clocks_one_leads_and_the_other_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "TICK_S", 0.02)
    monkeypatch.setattr(clock, "KEEPERS", ())
    ran: list[str] = []
    stops = {name: threading.Event() for name in ("first", "second")}

    def lead(name: str) -> None:
        tasks: Any = {lambda: ran.append(name): 0.02}
        while not stops[name].is_set():
            clock._lead_if_possible(tasks, stops[name])
            stops[name].wait(0.02)

    threads = {name: threading.Thread(target=lead, args=(name,)) for name in stops}
    threads["first"].start()
    _wait_for(lambda: len(ran) > 3)
    threads["second"].start()
    time.sleep(0.3)
    assert set(ran) == {"first"}
    stops["first"].set()
    threads["first"].join(5)
    _wait_for(lambda: "second" in ran)
    stops["second"].set()
    threads["second"].join(5)


def _wait_for(true: Any) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
