"""R12: an approval that came or was used too late does nothing, and the model is told."""

import threading

from django.contrib.auth.models import User
from django.db import connection

from agents.models import Action, Run, Step
from agents.providers.scripted import ScriptedProvider
from agents.states import ActionState, RunState
from approvals.errors import ApprovalError
from approvals.jobs import expire_requests
from approvals.models import AuditEvent, Request
from approvals.services import decide_request
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import refund_agent
from tests.faults.conversing import LARGE, clerk, order_runs
from tests.shop import Shop

ROUNDS = 15


def waiting(model: ScriptedProvider, count: int = 1) -> list[Run]:
    refund_agent()
    model.say(*[clerk(LARGE)] * (4 * count))
    runs = order_runs(count)
    work()
    return runs


def due(column: str, seconds: float, **which: object) -> None:
    """Let the clock of these requests end that many seconds from now."""
    names = " AND ".join(f"{name} = %s" for name in which) or "true"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE approvals_request SET {column} = clock_timestamp() + make_interval(secs => %s) WHERE {names}",
            [seconds, *which.values()],
        )


def sign(user: User, request: Request) -> str:
    """Return what the signer hears."""
    try:
        decide_request(request_id=request.pk, user=user, vote="approve", digest=request.action_digest, via="api")
    except ApprovalError as error:
        return error.code
    return "counted"


def last_told(run: Run) -> str:
    return str([step.data for step in Step.objects.filter(run=run).order_by("number")])


def test_click_after_the_deadline_counts_for_nothing(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    (run,) = waiting(model)
    due("decide_by", -1)
    request = Request.objects.get()
    heard = [sign(second_operator, request) for _ in range(50)]
    expire_requests()
    heard += [sign(second_operator, request) for _ in range(50)]
    work()
    run.refresh_from_db()
    assert set(heard) == {"DEADLINE_PASSED", "ALREADY_SETTLED"}
    assert (run.state, shop.refunds) == (RunState.COMPLETED, {})
    assert Action.objects.get(tool="shop.refund_order").state == ActionState.EXPIRED
    assert "expired" in last_told(run).lower() or "nobody" in last_told(run).lower()
    assert history_problems() == []


def test_expiry_and_vote_at_the_same_instant_have_one_winner(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    runs = waiting(model, ROUNDS)
    won = [both(second_operator, request) for request in Request.objects.filter(state="open")]
    work()
    expire_requests()
    work()
    states = list(Request.objects.values_list("state", flat=True))
    assert won.count("counted") == states.count("approved")
    assert set(states) <= {"approved", "expired"}
    assert len(shop.refunds) == won.count("counted")
    assert not Run.objects.exclude(state=RunState.COMPLETED).exists() and len(runs) == ROUNDS
    assert history_problems() == []


def both(user: User, request: Request) -> str:
    due("decide_by", 0.02, id=request.pk)
    barrier, heard = threading.Barrier(2), []

    def late() -> None:
        barrier.wait()
        for _ in range(4):
            expire_requests()
        connection.close()

    def vote() -> None:
        barrier.wait()
        threading.Event().wait(0.01)
        heard.append(sign(user, request))
        connection.close()

    threads = [threading.Thread(target=late), threading.Thread(target=vote)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard[0]


def test_approval_that_nobody_executed_in_time_never_runs(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    """No clock ran meanwhile: the database itself says that it is too late."""
    (run,) = waiting(model)
    assert sign(second_operator, Request.objects.get()) == "counted"
    due("execute_by", -0.001)
    work()
    run.refresh_from_db()
    assert (run.state, shop.refunds) == (RunState.COMPLETED, {})
    assert Request.objects.get().state == "expired"
    assert Action.objects.get(tool="shop.refund_order").state == ActionState.EXPIRED
    assert not AuditEvent.objects.filter(verb="action.executing", data__tool="shop.refund_order").exists()
    assert history_problems() == []


def test_in_time_the_same_approval_runs(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    """Negative control."""
    (run,) = waiting(model)
    assert sign(second_operator, Request.objects.get()) == "counted"
    due("execute_by", 30)
    work()
    assert shop.paid(run.subject) == [LARGE]
