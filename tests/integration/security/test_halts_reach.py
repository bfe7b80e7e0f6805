"""What a halt stops: the model, reads, look-ups, world checks, repeated sends, edits; and nothing starts after it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.models import Action, Run
from agents.providers.base import ToolOutputs
from agents.providers.scripted import ScriptedProvider
from agents.states import RunState
from approvals.errors import BadArguments
from approvals.halts import engage_halt, release_halt
from approvals.models import Request
from integrations.models import Connection
from tests.driving import work
from tests.factories import DONE, refund_agent, refund_run, says, wants, wants_refund
from tests.integration.security.doors import edited, vote, waiting_refund
from tests.shop import OVERRIDES, Shop

SCOPES = ["global", "agent:refund-clerk", "connection:shop", "tool:shop.get_order"]


def halt(scope: str, admin: User) -> Any:
    return engage_halt(scope=scope, reason="drill", user=admin).pk


@pytest.mark.parametrize("scope", SCOPES)
def test_no_look_up_before_judging(shop: Shop, model: ScriptedProvider, admin: User, scope: str) -> None:
    """The model has asked for a refund; finding out what it is about would already be a call."""
    refund_agent()
    pks = []

    def and_halts(_request: Any) -> Any:
        pks.append(halt(scope, admin))
        return says("", wants_refund(4_000))

    model.say(and_halts)
    run = refund_run()
    work()
    assert shop.calls == {}
    run.refresh_from_db()
    assert run.state == RunState.PAUSED and Action.objects.count() == 0
    model.say(DONE)
    release_halt(halt_id=pks[0], user=admin)
    work()
    assert shop.paid("20871") == [4_000]


@pytest.mark.parametrize("scope", SCOPES)
def test_no_world_check_and_no_effect_after_signing(
    shop: Shop, model: ScriptedProvider, signer: User, admin: User, scope: str
) -> None:
    check = {**OVERRIDES["refund_order"], "check": {"by": "get_order", "compare": ["total_minor"]}}
    Connection.objects.update(tools={**OVERRIDES, "refund_order": check})
    request = waiting_refund(model)
    seen = shop.calls["get_order"]
    vote(request, signer)
    pk = halt(scope, admin)
    work()
    assert shop.calls["get_order"] == seen and shop.refunds == {}
    assert Request.objects.get().state == "approved"
    release_halt(halt_id=pk, user=admin)
    work()
    assert shop.paid("20871") == [64_000]


def test_no_look_up_for_an_edit(shop: Shop, model: ScriptedProvider, signer: User, admin: User) -> None:
    request = waiting_refund(model)
    seen = shop.calls["get_order"]
    halt("connection:shop", admin)
    with pytest.raises(BadArguments, match="halted"):
        edited(request, signer, 64_000, order_id="other")
    assert shop.calls["get_order"] == seen
    assert Request.objects.get().state == "open"


def test_no_read(shop: Shop, model: ScriptedProvider, admin: User) -> None:
    refund_agent()
    model.say(says("", wants("shop.get_order", order_id="1")))
    halt("tool:shop.get_order", admin)
    refund_run()
    work()
    assert shop.calls == {} and Run.objects.get().state == RunState.PAUSED


def test_no_second_send(shop: Shop, model: ScriptedProvider, admin: User) -> None:
    refund_agent()
    shop.faults["/refunds"] = "500"
    model.say(says("", wants_refund(4_000)))
    shop_sees: list[str] = []

    def halts_after_the_first(self: Any, status: int, value: Any) -> None:
        if status == 500 and not shop_sees:
            shop_sees.append("refund")
            halt("connection:shop", admin)
            connection.close()
        original(self, status, value)

    from tests import shop as shops

    original = shops._Handler._answer
    shops._Handler._answer = halts_after_the_first  # type: ignore[method-assign]
    try:
        refund_run()
        work()
    finally:
        shops._Handler._answer = original  # type: ignore[method-assign]
    action = Action.objects.get()
    assert (action.attempts, action.state) == (1, "unknown")


def test_nothing_of_a_long_run_starts_after_the_halt(shop: Shop, model: ScriptedProvider, admin: User) -> None:
    refund_agent(limits={"turns": 40, "actions": 40, "seconds": 300})
    model.say(*[says("", wants_refund(100 + n, id=f"c{n}")) for n in range(25)], DONE)

    def at_the_seventh() -> bool:
        if len(shop.refunds) == 7:
            halt("global", admin)
            connection.close()
        return False

    shop.hangs = at_the_seventh
    refund_run()
    work()
    assert len(shop.refunds) == 7
    assert Run.objects.get().state == RunState.PAUSED
    asked = len(model.requests)
    work()
    assert len(shop.refunds) == 7 and len(model.requests) == asked


def test_a_shadow_reads_and_leaves_nothing_to_sign(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent(mode="shadow")
    model.say(
        says("", wants("shop.get_order", order_id="1", id="r"), wants_refund(64_000), wants_refund(10, id="c2")), DONE
    )
    refund_run()
    work()
    assert shop.refunds == {} and Request.objects.count() == 0
    assert sorted(Action.objects.values_list("state", flat=True)) == ["shadowed", "shadowed", "succeeded"]
    told = model.requests[-1].messages[-1]
    assert isinstance(told, ToolOutputs) and "ecorded, not executed" in told.outputs[1].content


def test_where_the_gate_cannot_be_asked_nothing_leaves(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()
    model.say(says("", wants_refund(4_000)))
    refund_run()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE approvals_halt RENAME COLUMN scope TO elsewhere")
    try:
        with pytest.raises(Exception, match="scope"):
            work()
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE approvals_halt RENAME COLUMN elsewhere TO scope")
    assert shop.refunds == {}


def test_a_read_that_the_policy_forbids_meanwhile_is_not_made(shop: Shop, model: ScriptedProvider, admin: User) -> None:
    from approvals.audit import COMMAND_LINE
    from approvals.policy_versions import activate_policy

    refund_agent()
    pks = []

    def and_halts(_request: Any) -> Any:
        pks.append(halt("connection:shop", admin))
        return says("", wants("shop.get_order", order_id="1"))

    model.say(and_halts, DONE)
    refund_run()
    work()
    assert Action.objects.get().state == "allowed"
    activate_policy(rules=[{"tool": "shop.get_order", "level": "deny"}], actor=COMMAND_LINE)
    release_halt(halt_id=pks[0], user=admin)
    work()
    assert shop.calls == {}
    assert sorted(Action.objects.values_list("state", flat=True)) == ["denied", "superseded"]
