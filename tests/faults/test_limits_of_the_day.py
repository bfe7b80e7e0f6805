"""R17: however many runs spend at once, the agent's day stays within its limits."""

import threading
from typing import Any

import pytest
from django.db import connection

from agents.claims import claim_runs
from agents.loop import advance_run
from agents.models import AgentDay, Run
from agents.providers import registry
from agents.states import RunState
from tests.audit_checker import history_problems
from tests.factories import refund_agent
from tests.faults.conversing import Clerk, clerk, order_runs
from tests.shop import Shop

RUNS, MOST_MOVED = 20, 20_000
LIMITS: dict[str, Any] = {"turns": 12, "actions": 12, "seconds": 300}


@pytest.fixture
def busy(shop: Shop) -> Shop:
    registry.put(Clerk(clerk()))
    yield shop  # type: ignore[misc]
    registry.remove("scripted")


def all_at_once(runs: list[Run]) -> list[str]:
    """Advance every run in a thread of its own, all starting at one barrier; return unexpected errors."""
    barrier, errors = threading.Barrier(len(runs)), []

    def one(run: Run) -> None:
        barrier.wait(30)
        try:
            advance_run(run)
        except Exception as error:
            errors.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_money_limit_is_never_passed(busy: Shop) -> None:
    refund_agent(limits={**LIMITS, "moved_minor_per_day": {"EUR": MOST_MOVED}})
    order_runs(RUNS)
    assert all_at_once(claim_runs("test", limit=RUNS)) == []
    moved = sum(refund["amount_minor"] for refund in busy.refunds.values())
    assert moved == MOST_MOVED
    assert AgentDay.objects.get(kind="moved").used == moved
    ended = Run.objects.filter(state=RunState.ESCALATED, reason_code="limit_moved").count()
    assert (ended, Run.objects.filter(state=RunState.COMPLETED).count()) == (RUNS - 5, 5)
    assert history_problems() == []


def test_reserved_money_of_an_effect_that_did_not_happen_is_given_back(busy: Shop) -> None:
    busy.faults["/refunds"] = "refuse"
    refund_agent(limits={**LIMITS, "moved_minor_per_day": {"EUR": MOST_MOVED}})
    order_runs(5)
    assert all_at_once(claim_runs("test", limit=5)) == []
    assert AgentDay.objects.get(kind="moved").used == 0
    assert history_problems() == []


def test_model_cost_is_reserved_before_it_is_spent(busy: Shop) -> None:
    refund_agent(limits={**LIMITS, "cost_usd": 0.5, "cost_usd_per_day": 2})
    seen = []

    def watching(asked: Any) -> Any:
        seen.append(AgentDay.objects.get(kind="cost").used)
        return clerk()(asked)

    registry.put(Clerk(watching))
    order_runs(RUNS)
    assert all_at_once(claim_runs("test", limit=RUNS)) == []
    assert max(seen) <= 2_000_000
    assert not Run.objects.exclude(state__in=[RunState.COMPLETED, RunState.QUEUED]).exists()
    assert Run.objects.filter(state=RunState.COMPLETED).count() >= 4
    assert history_problems() == []
