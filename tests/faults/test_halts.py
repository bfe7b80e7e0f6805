"""R18: once a halt is committed no effect begins, whoever was busy; released, everything goes on where it stood."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction

from agents.claims import claim_runs
from agents.models import Action, Agent, Run
from agents.providers import registry
from agents.services import publish_agent_version, start_run
from agents.states import RUN_ENDED, RunState
from approvals.audit import COMMAND_LINE
from approvals.database_clock import database_now
from approvals.halts import SUPERVISED as SUPERVISED_STAGE
from approvals.halts import engage_halt, release_halt
from approvals.models import AuditEvent, Halt, Request
from approvals.services import decide_request, expire_overdue_requests
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import refund_agent
from tests.faults.conversing import LARGE, Clerk, clerk, order_of, order_runs
from tests.faults.crew import crew, wait_until
from tests.faults.guards_off import begin_effect
from tests.promises import Promise
from tests.shop import Shop

BASE = Path(__file__).resolve().parent.parent.parent
HALTS = "halts under load: nothing begins after"
SUPERVISED = "halts under supervision: no write begins unsigned"


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop and an agent whose model always refunds a small amount, at once."""
    registry.put(Clerk(clerk()))
    refund_agent(limits={"turns": 12, "actions": 12, "seconds": 300, "parallel_runs": 500})
    yield shop  # type: ignore[misc]
    registry.remove("scripted")


def intents() -> int:
    return AuditEvent.objects.filter(verb__in=["action.executing", "action.sent_again"]).count()


def unfinished() -> int:
    return Run.objects.exclude(state__in=RUN_ENDED).count()


def engaged() -> tuple[Halt, int]:
    """Engage, and count inside the engaging transaction: nobody can begin between the count and the commit."""
    with transaction.atomic():
        halt = engage_halt(scope="global", reason="stop", actor=COMMAND_LINE)
        return halt, intents()


SIZES = [(60, 8), pytest.param(1_000, 200, marks=[pytest.mark.chaos, pytest.mark.slow])]


@pytest.mark.parametrize(("count", "rounds"), SIZES)
def test_no_intent_is_committed_after_the_halt(busy: Shop, promise: Promise, count: int, rounds: int) -> None:
    runs = order_runs(count)
    seen, longest, late = [], 0.0, 0
    with crew(threads=6):
        for number in range(1, rounds + 1):
            wait_until(lambda n=number: intents() >= n * count // (rounds + 2), "work goes on")
            began = time.monotonic()
            halt, before = engaged()
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.15)
            late += intents() - before
            seen.append(before)
            release_halt(halt_id=halt.pk, actor=COMMAND_LINE)
        wait_until(lambda: unfinished() == 0, "all runs ended", seconds=600)
    promise(HALTS, tried=rounds, violations=late, note=f"{count} runs; engaged within {longest * 1000:.0f} ms")
    assert late == 0
    assert seen[-1] > seen[0] > 0 and seen[0] < count, "the halts did not fall into the work"
    assert longest < 5
    assert Counter(Run.objects.values_list("state", flat=True)) == {RunState.COMPLETED: count}
    assert [run.subject for run in runs if len(shop_paid(busy, run)) != 1] == []
    assert history_problems() == []


def shop_paid(shop: Shop, run: Run) -> list[int]:
    return shop.paid(run.subject)


def intent_across(halt: Callable[[], object]) -> tuple[int, int, bool]:
    """Hold one intent between its checks and its commit while somebody halts.

    Returns the intents seen when the halt was committed, those seen in the end, and whether the halt had to wait.
    """
    order_runs(1)
    checked, commit, told = threading.Event(), threading.Event(), []

    def begin() -> None:
        wrapper = connections["default"]
        wrapper.ensure_connection()
        really = wrapper._commit

        def slowly() -> None:
            if Action.objects.filter(state="executing").exists() and not checked.is_set():
                checked.set()
                commit.wait(10)
            really()

        wrapper._commit = slowly  # type: ignore[method-assign]
        try:
            work()
        finally:
            wrapper.close()
            del wrapper._commit

    def stop() -> None:
        halt()
        told.append(intents())
        connection.close()

    threads = [threading.Thread(target=begin), threading.Thread(target=stop)]
    threads[0].start()
    assert checked.wait(20)
    threads[1].start()
    threads[1].join(1)
    waited = threads[1].is_alive()
    commit.set()
    for thread in threads:
        thread.join(20)
    return told[0], intents(), waited


def test_halt_waits_for_an_intent_that_has_passed_its_checks(busy: Shop) -> None:
    seen, finally_, waited = intent_across(lambda: engage_halt(scope="global", reason="stop", actor=COMMAND_LINE))
    assert (seen, finally_, waited) == (1, 1, True)


def test_without_the_lock_an_intent_is_committed_after_the_halt(busy: Shop, promise: Promise) -> None:
    """Negative control: the row alone stops nothing that is on its way, and this harness sees it."""
    seen, finally_, waited = intent_across(
        lambda: Halt.objects.create(scope="global", reason="x", engaged_by_label="x")
    )
    promise(HALTS, tried=1, violations=finally_ - seen, control=True)
    assert (seen, finally_, waited) == (0, 1, False)


def unsigned() -> int:
    """How many writes have begun that no person signed."""
    return Action.objects.filter(attempts__gt=0, request_id=None).exclude(effect="read").count()


@pytest.mark.parametrize(("count", "rounds"), [(24, 3), *SIZES[1:]])
def test_no_write_begins_unsigned_under_supervision(busy: Shop, promise: Promise, count: int, rounds: int) -> None:
    order_runs(count)
    with crew(threads=6):
        late = sum(_unsigned_under_supervision() for _ in range(rounds))
        wait_until(lambda: not Run.objects.filter(state__in=("queued", "running", "paused")).exists(), "it rests")
    signed_later = Request.objects.filter(state="open", kind="approval").count()
    note = f"{signed_later} of {count} were left to people"
    promise(SUPERVISED, tried=rounds, violations=late, note=note)
    assert late == 0 and history_problems() == []
    assert unsigned() + signed_later == count and signed_later > 0


def _unsigned_under_supervision(look_s: float = 0.1) -> int:
    """Halt, supervise, look what begins, and let go. Returns how many writes began meanwhile that nobody signed."""
    time.sleep(0.05)
    halt, _ = engaged()
    release_halt(halt_id=halt.pk, actor=COMMAND_LINE, to=SUPERVISED_STAGE)
    before = unsigned()
    time.sleep(look_s)
    late = unsigned() - before
    release_halt(halt_id=halt.pk, actor=COMMAND_LINE)
    return late


def test_what_was_allowed_before_waits_for_a_person_under_supervision(busy: Shop) -> None:
    assert _allowed_before(without=()) == 0


def test_without_the_look_at_supervision_it_begins(busy: Shop, promise: Promise) -> None:
    """The negative control: judged before the halt, on its way while supervision begins."""
    late = _allowed_before(without=("supervised",))
    promise(SUPERVISED, tried=1, violations=late, control=True)
    assert late == 1


def _allowed_before(*, without: tuple[str, ...]) -> int:
    """Let one action be judged, supervise before it begins, and return how many began unsigned."""
    order_runs(1)
    with begin_effect(without=without, pause_s=0.7):
        worker = threading.Thread(target=_work_and_close)
        worker.start()
        wait_until(lambda: Action.objects.filter(tool="shop.refund_order", state="allowed").exists(), "it is judged")
        halt, _ = engaged()
        release_halt(halt_id=halt.pk, actor=COMMAND_LINE, to=SUPERVISED_STAGE)
        worker.join(30)
    return unsigned()


def test_a_release_while_a_worker_is_about_to_pause_leaves_nothing_asleep(busy: Shop) -> None:
    """The worker still sees the halt; the release has woken what was paused before. Nobody would wake this one."""
    (run,) = order_runs(1)
    halt = engage_halt(scope="tool:shop.refund_order", reason="x", actor=COMMAND_LINE)
    worker = threading.Thread(target=_work_and_close)
    with transaction.atomic():
        release_halt(halt_id=halt.pk, actor=COMMAND_LINE)
        worker.start()
        wait_until(lambda: _waits_for_a_lock() or Run.objects.get(pk=run.pk).state == RunState.PAUSED, "it pauses")
    worker.join(30)
    run.refresh_from_db()
    assert (run.state, len(busy.refunds)) == (RunState.COMPLETED, 1)


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return cursor.fetchone() is not None


def _work_and_close() -> None:
    try:
        work()
    finally:
        connection.close()


def test_halt_and_release_from_the_command_line_need_no_web_and_no_redis(busy: Shop) -> None:
    order_runs(3)
    for name in ("boss", "second-boss"):
        User.objects.create_superuser(name, password="a-long-password")
    managed("halt", "--reason=smoke")
    assert work() == 0
    assert Run.objects.filter(state=RunState.QUEUED).count() == 3
    assert "Another admin signs" in managed("release", "--as=boss", "--to=released")
    assert "Another admin signs" in managed("release", "--as=boss", "--to=released"), "nobody signs what they asked for"
    assert work() == 0
    managed("release", "--as=second-boss", "--to=released")
    work()
    assert unfinished() == 0
    assert history_problems() == []


def managed(*command: str) -> str:
    """Run manage.py in a process of its own, which cannot reach Redis, and return what it prints."""
    asked = connection.settings_dict
    url = f"postgresql://{asked['USER']}@/{asked['NAME']}?host={asked['HOST']}&port={asked['PORT'] or 5432}"
    environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": "unix:///nowhere/valkey.sock"}
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=BASE, env=environment, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def second_agent() -> Agent:
    first = Agent.objects.get(name="refund-clerk")
    other = Agent.objects.create(name="other-clerk", team=first.team, category="refunds")
    assert first.current is not None
    publish_agent_version(agent=other, document=first.current.document, actor=COMMAND_LINE)
    return other


def test_halt_of_one_agent_leaves_the_others_working(busy: Shop) -> None:
    second_agent()
    engage_halt(scope="agent:refund-clerk", reason="strange refunds", actor=COMMAND_LINE)
    order_runs(3)
    event = {"type": "refund.requested", "order_id": "order-900"}
    start_run(agent="other-clerk", goal="Settle this.", input=event, subject="order-900")
    work()
    states = Counter(Run.objects.values_list("agent__name", "state"))
    assert states == {("refund-clerk", "queued"): 3, ("other-clerk", "completed"): 1}
    release_halt(halt_id=Halt.objects.get().pk, actor=COMMAND_LINE)
    work()
    assert unfinished() == 0
    assert history_problems() == []


@pytest.mark.parametrize("scope", ["tool:shop.refund_order", "connection:shop"])
def test_halt_of_a_tool_pauses_before_it_is_used(busy: Shop, scope: str) -> None:
    (run,) = order_runs(1)
    engage_halt(scope=scope, reason="the shop is being moved", actor=COMMAND_LINE)
    work()
    run.refresh_from_db()
    assert (run.state, intents(), busy.refunds) == (RunState.PAUSED, 0, {})
    release_halt(halt_id=Halt.objects.get().pk, actor=COMMAND_LINE)
    work()
    run.refresh_from_db()
    assert (run.state, busy.paid(run.subject)) == (RunState.COMPLETED, [4_000])
    assert history_problems() == []


def test_what_is_signed_during_a_halt_runs_only_after_its_release(busy: Shop, second_operator: User) -> None:
    registry.put(Clerk(clerk(LARGE)))
    (run,) = order_runs(1)
    work()
    halt, _ = engaged()
    request = Request.objects.get(state="open")
    decide_request(request_id=request.pk, user=second_operator, vote="approve", digest=request.action_digest, via="api")
    work()
    assert (busy.refunds, claim_runs("x", limit=5)) == ({}, [])
    release_halt(halt_id=halt.pk, actor=COMMAND_LINE)
    work()
    run.refresh_from_db()
    assert (run.state, busy.paid(run.subject)) == (RunState.COMPLETED, [LARGE])
    assert history_problems() == []


def test_both_clocks_stand_still_during_a_halt(busy: Shop, second_operator: User) -> None:
    registry.put(Clerk(lambda asked: clerk(LARGE)(asked) if order_of(asked) else clerk()(asked)))
    order_runs(2)
    work()
    waiting, signed = Request.objects.filter(state="open").order_by("created_at")
    decide_request(request_id=signed.pk, user=second_operator, vote="approve", digest=signed.action_digest, via="api")
    halt, _ = engaged()
    now = database_now()
    Halt.objects.filter(pk=halt.pk).update(engaged_at=now - timedelta(hours=2))
    Request.objects.update(created_at=now - timedelta(hours=3))
    Request.objects.filter(pk=waiting.pk).update(decide_by=now - timedelta(hours=1))
    Request.objects.filter(pk=signed.pk).update(
        settled_at=now - timedelta(hours=2, minutes=5), execute_by=now - timedelta(hours=1, minutes=50)
    )
    assert expire_overdue_requests() == 0
    release_halt(halt_id=halt.pk, actor=COMMAND_LINE)
    assert expire_overdue_requests() == 0
    waiting.refresh_from_db()
    assert timedelta(minutes=59) < waiting.decide_by - now < timedelta(minutes=62)
    work()
    assert busy.paid(signed.subject) == [LARGE]
    assert history_problems() == []
