"""R9: a run that kills its worker is set aside after three deaths alone, and takes no other run along."""

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agents.models import Run
from agents.providers import registry
from agents.providers.base import ModelReply, ModelRequest
from agents.services import retry_run
from agents.states import RUN_ENDED, RunState
from tests.audit_checker import history_problems
from tests.factories import person, refund_agent
from tests.faults.conversing import Clerk, clerk, order_of, order_runs
from tests.faults.workers import Workers, striking
from tests.shop import Shop

SETTLED = {*RUN_ENDED, RunState.DEAD_LETTER}


def poisoned(cure: Path) -> Clerk:
    """A model whose answer kills the process that asks about an order from 900 on, until the cure is there."""

    def answer(request: ModelRequest) -> ModelReply:
        if order_of(request) >= "order-900" and not cure.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return clerk()(request)

    return Clerk(answer)


def unsettled() -> int:
    return Run.objects.exclude(state__in=SETTLED).count()


def work_through(workers: Workers, *, seconds: float) -> int:
    """Replace workers as they die until every run is settled; return how many died."""
    deadline, deaths = time.monotonic() + seconds, 0
    while unsettled():
        assert time.monotonic() < deadline, Counter(Run.objects.values_list("state", "suspect"))
        deaths += workers.replace_dead()
        time.sleep(0.05)
    return deaths + workers.replace_dead()


@pytest.mark.parametrize(("good", "bad", "seconds"), [(30, 2, 90), pytest.param(500, 20, 900, marks=pytest.mark.chaos)])
def test_poison_is_set_aside_and_the_rest_goes_on(
    shop: Shop, settings: Any, tmp_path: Path, good: int, bad: int, seconds: float
) -> None:
    settings.LEASE_S, settings.HEARTBEAT_S = 1, 0.3
    cure = tmp_path / "cure"
    registry.put(poisoned(cure))
    refund_agent(limits={"turns": 12, "actions": 12, "seconds": 300, "parallel_runs": 500})
    poison = order_runs(bad, first=900)
    order_runs(good)
    try:
        with striking(count=2, every_s=9, stall_s=0) as workers:
            deaths = work_through(workers, seconds=seconds)
            assert Counter(Run.objects.values_list("state", flat=True)) == {"completed": good, "dead_letter": bad}
            assert set(Run.objects.filter(state="dead_letter").values_list("pk", flat=True)) == {r.pk for r in poison}
            assert 3 * bad <= deaths <= 4 * bad
            cure.touch()
            boss = person("boss", "admin")
            for run in poison:
                retry_run(run_id=run.pk, user=boss)
            work_through(workers, seconds=seconds)
    finally:
        registry.remove("scripted")
    assert Counter(Run.objects.values_list("state", flat=True)) == {"completed": good + bad}
    assert set(Counter(refund["order_id"] for refund in shop.refunds.values()).values()) == {1}
    assert len(shop.refunds) == good + bad
    assert history_problems() == []
