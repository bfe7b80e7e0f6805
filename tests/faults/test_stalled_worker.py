"""R6: a worker that stood still for longer than its lease finds the run taken over and writes nothing more."""

import os
import signal
import time

import pytest
from django.db import connection

from agents import moves
from agents.models import Action, Run, Step
from agents.providers.base import ModelReply, ModelRequest
from agents.providers.scripted import ScriptedProvider
from agents.states import RunState
from approvals.audit import COMMAND_LINE
from approvals.halts import engage_halt
from approvals.models import AuditEvent
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import refund_agent
from tests.faults.conversing import clerk, order_runs
from tests.faults.crashing import AFTER, BEFORE, STALL, AtIntent, Crasher, stalled_child
from tests.faults.test_every_commit_boundary import revive
from tests.shop import Shop


def everything(run: Run) -> list[object]:
    """Return all that may be written about a run."""
    return [
        list(Run.objects.filter(pk=run.pk).values()),
        list(Step.objects.filter(run=run).order_by("number").values()),
        list(Action.objects.filter(run=run).order_by("pk").values()),
        list(AuditEvent.objects.filter(run_id=run.pk).order_by("seq").values_list("seq", "verb")),
    ]


def taken_over(run: Run) -> list[object]:
    """Let the successor finish the run while the first worker stands still."""
    deadline = time.monotonic() + 20
    while run.state != RunState.COMPLETED:
        assert time.monotonic() < deadline, f"{run.state}: {run.waiting_for}"
        revive()
        work()
        run.refresh_from_db()
        time.sleep(0.05)
    return everything(run)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "STANDSTILL_MS", 300)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_stalled_at_each_commit_it_writes_nothing_afterwards(
    shop: Shop, model: ScriptedProvider, short_patience: None, when: str
) -> None:
    refund_agent()
    model.say(*[clerk()] * 100)
    at, stalled = 0, True
    while stalled:
        at += 1
        (run,) = order_runs(1, first=100 + at)
        with stalled_child(work, crasher=Crasher(at=at, when=when, how=STALL)) as child:
            stalled = child.stopped
            written = taken_over(run) if stalled else None
            child.go_on()
        run.refresh_from_db()
        assert run.state == RunState.COMPLETED
        assert not stalled or everything(run) == written, f"commit {at}"
        assert shop.paid(run.subject) == [4_000], f"commit {at}"
    assert at > 5, "too few commits to prove anything"
    assert history_problems() == []


def test_stalled_in_the_model_call_it_writes_nothing_afterwards(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()

    def dozes(request: ModelRequest) -> ModelReply:
        os.kill(os.getpid(), signal.SIGSTOP)
        return clerk(5_000)(request)

    (run,) = order_runs(1)
    model.say(dozes)
    with stalled_child(work) as child:
        model._lines[:] = [clerk()] * 4
        written = taken_over(run)
        assert child.go_on() == 0
    assert everything(run) == written
    assert shop.paid(run.subject) == [4_000]
    assert history_problems() == []


def test_it_is_the_fence_that_refuses(shop: Shop, model: ScriptedProvider) -> None:
    """Negative control: its lease is long over, but nobody has taken the run, so what it brings is still welcome."""
    refund_agent()

    def dozes(_request: ModelRequest) -> ModelReply:
        os.kill(os.getpid(), signal.SIGSTOP)
        return clerk()(_request)

    (run,) = order_runs(1)
    model.say(dozes)
    with stalled_child(work) as child, connection.cursor() as cursor:
        before = Step.objects.filter(run=run).count()
        cursor.execute(
            "UPDATE agents_run SET lease_expires_at = clock_timestamp() - interval '1 h' WHERE id = %s", [run.pk]
        )
        child.go_on()
    assert Step.objects.filter(run=run).count() > before


def test_worker_that_stands_still_in_its_intent_does_not_hold_up_the_kill_switch(
    shop: Shop, model: ScriptedProvider, short_patience: None
) -> None:
    refund_agent()
    model.say(*[clerk()] * 100)
    order_runs(1)
    with stalled_child(work, crasher=AtIntent(when=BEFORE, how=STALL)) as child:
        assert child.stopped
        engage_halt(scope="global", reason="stop", actor=COMMAND_LINE)
    assert shop.refunds == {} and not Action.objects.exclude(attempts=0).exists()
