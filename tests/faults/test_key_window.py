"""R21: what was sent beyond its key's window is never sent again; a person says what became of it."""

from django.db import connection

from agents.models import Action, Run
from agents.providers.scripted import ScriptedProvider
from agents.states import ActionState, RunState
from approvals.models import Request
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import refund_agent
from tests.faults.conversing import clerk, order_runs
from tests.faults.crashing import AFTER, KILL, AtIntent, in_child
from tests.faults.test_every_commit_boundary import revive
from tests.shop import Shop


def left_executing(run: Run) -> Action:
    """Kill a worker between its intent and its call."""
    assert in_child(work, crasher=AtIntent(when=AFTER, how=KILL)) == -9
    return Action.objects.get(run=run, state=ActionState.EXECUTING)


def sent_ago(action: Action, hours: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agents_action SET first_sent_at = clock_timestamp() - make_interval(hours => %s) WHERE id = %s",
            [hours, action.pk],
        )


def test_beyond_the_window_nothing_is_sent_again(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()
    model.say(*[clerk()] * 100)
    (run,) = order_runs(1)
    action = left_executing(run)
    sent_ago(action, 24)
    before = shop.calls["refund_order"]
    for _ in range(5):
        revive()
        work()
    action.refresh_from_db()
    run.refresh_from_db()
    assert (action.state, run.state) == (ActionState.UNKNOWN, RunState.WAITING_PERSON)
    assert shop.calls["refund_order"] == before
    assert Request.objects.get(kind="unknown_outcome").action_id == action.pk
    assert history_problems() == []


def test_inside_the_window_the_same_key_is_sent_again(shop: Shop, model: ScriptedProvider) -> None:
    """Negative control: an hour before the window ends the worker does send."""
    refund_agent()
    model.say(*[clerk()] * 100)
    (run,) = order_runs(1)
    action = left_executing(run)
    sent_ago(action, 22)
    before = shop.calls["refund_order"]
    revive()
    work()
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert shop.calls["refund_order"] == before + 1
    assert shop.paid(run.subject) == [4_000]
    assert history_problems() == []
