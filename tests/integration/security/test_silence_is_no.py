"""Late is late: no door, no halt and no defect elsewhere turns a deadline that passed into an approval."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from agents.models import Action
from agents.providers.scripted import ScriptedProvider
from approvals.errors import AlreadySettled, DeadlinePassed
from approvals.halts import engage_halt, release_halt
from approvals.models import AuditEvent, Decision, Halt, Request
from approvals.services import expire_overdue_requests
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import refund_run, says, wants_refund
from tests.integration.security.doors import STOPPED, turn, vote, waiting_refund
from tests.shop import Shop


@pytest.mark.parametrize("how", ["approve", "reject"])
@pytest.mark.parametrize("via", ["browser", "api"])
def test_a_vote_one_second_late_is_refused(
    shop: Shop, model: ScriptedProvider, signer: User, via: str, how: str
) -> None:
    request = waiting_refund(model)
    turn("approvals_request", "decide_by", "-1 second", request.pk)
    with pytest.raises(DeadlinePassed):
        vote(request, signer, how, via=via)
    assert expire_overdue_requests() == 1
    with pytest.raises(AlreadySettled):
        vote(request, signer, how, via=via)
    work()
    assert shop.refunds == {} and Decision.objects.count() == 0
    assert Action.objects.get().state == "expired" and history_problems() == []


def test_a_halt_engaged_after_the_deadline_does_not_open_it_again(
    shop: Shop, model: ScriptedProvider, signer: User, admin: User
) -> None:
    request = waiting_refund(model)
    turn("approvals_request", "decide_by", "-1 second", request.pk)
    halt = engage_halt(scope="global", reason="to win time", user=signer)
    with pytest.raises(DeadlinePassed):
        vote(request, signer)
    release_halt(halt_id=halt.pk, user=admin)
    with pytest.raises(DeadlinePassed):
        vote(request, signer)


def test_a_halt_engaged_in_time_keeps_it_open(shop: Shop, model: ScriptedProvider, signer: User, admin: User) -> None:
    request = waiting_refund(model)
    halt = engage_halt(scope="tool:shop.refund_order", reason="drill", user=admin)
    turn("approvals_halt", "engaged_at", "-1 hour", halt.pk)
    turn("approvals_request", "created_at", "-2 hours", request.pk)
    turn("approvals_request", "decide_by", "-1 minute", request.pk)
    assert expire_overdue_requests() == 0
    assert vote(request, signer).settled


def test_time_that_stood_still_under_two_halts_is_given_back_once(
    shop: Shop, model: ScriptedProvider, admin: User
) -> None:
    request = waiting_refund(model)
    turn("approvals_request", "created_at", "-3 hours", request.pk)
    scopes = ("global", "agent:refund-clerk", "connection:shop")
    halts = [engage_halt(scope=scope, reason="drill", user=admin) for scope in scopes]
    for halt in halts:
        turn("approvals_halt", "engaged_at", "-1 hour", halt.pk)
    before = request.decide_by
    for halt in halts:
        release_halt(halt_id=halt.pk, user=admin)
    after = Request.objects.get(pk=request.pk).decide_by
    assert before is not None and after is not None
    given_back = after - before
    assert timedelta(minutes=59) < given_back < timedelta(minutes=61)
    assert Halt.objects.filter(released_at=None).count() == 0


def test_an_approval_that_nobody_executed_in_time_is_not_executed(
    shop: Shop, model: ScriptedProvider, signer: User
) -> None:
    request = waiting_refund(model)
    vote(request, signer)
    turn("approvals_request", "execute_by", "-1 second", request.pk)
    work()
    assert shop.refunds == {}
    assert Request.objects.get(pk=request.pk).state == "expired"
    assert Action.objects.get().state == "expired" and history_problems() == []


def test_a_reject_that_came_first_beats_the_deadline(shop: Shop, model: ScriptedProvider, signer: User) -> None:
    request = waiting_refund(model)
    vote(request, signer, "reject", comment="no")
    turn("approvals_request", "decide_by", "-1 hour", request.pk)
    assert expire_overdue_requests() == 0
    assert Request.objects.get(pk=request.pk).state == "rejected"


def test_what_was_tampered_with_leaves_no_approval_behind_and_stops_no_sweep(
    shop: Shop, model: ScriptedProvider, signer: User
) -> None:
    """An approval whose action is cancelled must not stay: its expiry could never be written."""
    request = waiting_refund(model, lines=0)
    vote(request, signer)
    Action.objects.update(key="v1-mine")
    work()
    assert Request.objects.get(pk=request.pk).state == "withdrawn"
    assert AuditEvent.objects.filter(verb="action.refused").exists()

    model.say(says("", wants_refund(70_000, order_id="2")), STOPPED)
    refund_run("2")
    work()
    late = Request.objects.get(state="open", kind="approval")
    turn("approvals_request", "decide_by", "-1 second", late.pk)
    turn("approvals_request", "execute_by", "-1 second", request.pk)
    expire_overdue_requests()
    assert Request.objects.get(pk=late.pk).state == "expired"


def test_a_tool_that_is_gone_leaves_no_approval_behind(shop: Shop, model: ScriptedProvider, signer: User) -> None:
    from integrations.models import Connection

    request = waiting_refund(model)
    vote(request, signer)
    Connection.objects.update(disabled=True)
    work()
    assert Request.objects.get(pk=request.pk).state == "withdrawn"
    assert shop.refunds == {} and history_problems() == []
