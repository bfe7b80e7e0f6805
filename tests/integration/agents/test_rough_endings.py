"""Runs that are cancelled in flight, break the code, or move money nobody can count."""

import threading
import time
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import OperationalError, connection

from agents.claims import claim_runs, give_up
from agents.loop import advance_run
from agents.models import Action, Run
from agents.providers.scripted import ScriptedProvider
from agents.services import cancel_run, retry_run
from agents.settling import settle_abandoned
from agents.spec import parse_spec
from agents.states import RunState
from agents.tools.execution import begin_effect
from approvals.database_clock import database_now
from approvals.models import Request
from approvals.policy_versions import active_policy
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import DONE, refund_agent, refund_run, says, wants, wants_refund
from tests.shop import Shop


def test_cancel_in_flight_writes_what_happened_and_goes_no_further(
    shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    refund_agent()
    shop.hangs = lambda: time.sleep(0.4) is not None
    model.say(says("", wants_refund(4_000)))
    run = refund_run()
    thread = threading.Thread(target=lambda: (work(), connection.close()))
    thread.start()
    while not shop.refunds:
        time.sleep(0.01)
    cancel_run(run_id=run.pk, user=operator)
    thread.join()

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert Action.objects.get().state == "succeeded"
    assert history_problems() == []


def test_action_left_in_the_air_by_a_cancelled_run_goes_to_a_person(
    shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    refund_agent()
    model.say(says("", wants_refund(4_000)))
    run = refund_run()
    advance_run(claim_runs("test", limit=1)[0], stopping=Action.objects.exists)
    claimed = claim_runs("test", limit=1)[0]
    spec, action = parse_spec(claimed.version.document), Action.objects.get()
    assert begin_effect(claimed, spec, action, active_policy(), actor="a worker that then died") == ""
    cancel_run(run_id=run.pk, user=operator)
    assert settle_abandoned() == 0
    Run.objects.update(ended_at=database_now() - timedelta(hours=1))

    assert settle_abandoned() == 1
    assert Request.objects.get().kind == "unknown_outcome"
    assert Action.objects.get().state == "unknown"
    assert history_problems() == []


def test_error_in_our_code_puts_the_run_back_and_the_third_time_aside(
    shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    refund_agent()
    run = refund_run()
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE agents_run SET due_at = clock_timestamp()")
        claimed = [*claim_runs("test", limit=1), *claim_runs("test", limit=1, suspect=True)]
        give_up(claimed[0], ValueError("unexpected"))
    run.refresh_from_db()
    assert run.state == RunState.DEAD_LETTER
    assert "ValueError: unexpected" in run.waiting_for

    retry_run(run_id=run.pk, user=operator)
    model.say(DONE)
    work()
    assert Run.objects.get(pk=run.pk).state == RunState.COMPLETED


def test_database_that_goes_away_time_and_again_is_not_the_runs_doing(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()
    run = refund_run()
    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE agents_run SET due_at = clock_timestamp()")
        claimed = [*claim_runs("test", limit=1), *claim_runs("test", limit=1, suspect=True)]
        give_up(claimed[0], OperationalError("terminating connection due to administrator command"))
    run.refresh_from_db()
    assert (run.state, run.deaths_alone) == (RunState.QUEUED, 0)
    assert history_problems() == []


def test_money_that_cannot_be_counted_is_refused_to_the_model(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()
    model.say(says("", wants_refund(4_000, currency="€€€")), DONE)
    refund_run()
    work()
    assert shop.refunds == {}


def test_escalated_by_policy_says_which_action(shop: Shop, model: ScriptedProvider) -> None:
    from approvals.audit import COMMAND_LINE
    from approvals.policy_versions import activate_policy
    from tests.factories import RULES

    refund_agent()
    activate_policy(rules=[*RULES, {"tool": "shop.send_mail", "level": 4}], actor=COMMAND_LINE)
    model.say(says("", wants("shop.send_mail", to="a@example.com", text="x", reason="r", confidence=0.9)))
    run = refund_run()
    work()
    run.refresh_from_db()
    assert run.state == RunState.ESCALATED
    assert Request.objects.get().title.startswith("Mail to a@example.com:")
    assert shop.mails == []
