"""Taking back what a run did: in reverse, each deed an action of its own under the policy, each once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Action, Rollback, Run
from agents.providers.scripted import ScriptedProvider
from agents.states import ActionState, RunState
from agents.undo.rollbacks import cancel_rollback, preview_run, preview_span, start_rollback
from approvals.audit import COMMAND_LINE
from approvals.database_clock import database_now
from approvals.errors import BadArguments, NotAllowed, NotAllowedToDecide
from approvals.halts import engage_halt, open_halts, release_halt
from approvals.models import AuditEvent, Request
from approvals.policy_versions import activate_policy
from approvals.services import decide_request
from tests.audit_checker import history_problems
from tests.driving import hurry
from tests.factories import DONE, RULES, person, refund_run, says, wants, wants_refund
from tests.integration.undo.conftest import carry_on, undo
from tests.shop import Shop


def states(run: Run) -> list[str]:
    rows = Action.objects.filter(run=run, tool="shop.refund_order").order_by("created_at")
    return list(rows.values_list("state", flat=True))


def signed(request: Request, user: User, vote: str = "approve") -> None:
    decide_request(request_id=request.pk, user=user, vote=vote, digest=request.action_digest, via="api")


def test_it_is_taken_back_in_reverse_each_once_and_audited(shop: Shop, paid: Run, operator: User) -> None:
    rollback = undo(paid, operator)
    assert shop.cancelled == ["R3", "R2", "R1"]
    assert states(paid) == [ActionState.COMPENSATED] * 3
    assert rollback.state == "done"
    undoing = Run.objects.get(undoes=paid)
    assert (undoing.state, undoing.outcome) == (RunState.COMPLETED, {"decision": "undone", "undone": 3, "left": 0})
    assert Action.objects.filter(run=undoing, compensates__run=paid).count() == 3
    verbs = AuditEvent.objects.filter(subject_type="rollback").order_by("seq").values_list("verb", flat=True)
    assert list(verbs) == ["rollback.started", "rollback.done"]
    assert history_problems() == []


def test_undone_twice_is_nothing(shop: Shop, paid: Run, operator: User) -> None:
    undo(paid, operator)
    with pytest.raises(BadArguments, match="nothing here"):
        undo(paid, operator)
    assert len(shop.cancelled) == 3


def test_two_rollbacks_at_once_take_each_deed_back_once(shop: Shop, paid: Run, operator: User) -> None:
    now = database_now()
    both = [
        preview_run(run_id=paid.pk, user=operator),
        preview_span(agent="refund-clerk", since=now - timedelta(hours=1), until=None, user=operator),
    ]
    for preview in both:
        start_rollback(preview, reason="twice asked", user=operator)
    carry_on()
    assert sorted(shop.cancelled) == ["R1", "R2", "R3"]
    assert states(paid) == [ActionState.COMPENSATED] * 3
    assert history_problems() == []


def test_what_the_policy_leaves_to_people_waits_for_one_who_did_not_ask(shop: Shop, paid: Run, operator: User) -> None:
    activate_policy(rules=RULES, actor=COMMAND_LINE)
    signer = person("signer", "operator", limits={"EUR": 1_000_000})
    undo(paid, operator)
    request = Request.objects.get(state="open")
    assert states(paid) == [ActionState.SUCCEEDED, ActionState.SUCCEEDED, ActionState.COMPENSATING]
    with pytest.raises(NotAllowedToDecide):
        signed(request, operator)
    signed(request, signer)
    hurry(Run.objects.get(undoes=paid))
    carry_on()
    assert shop.cancelled == ["R3"]
    assert states(paid)[-1] == ActionState.COMPENSATED


def test_a_rejected_compensation_lets_the_deed_stand_and_the_next_is_asked(
    shop: Shop, paid: Run, operator: User
) -> None:
    activate_policy(rules=RULES, actor=COMMAND_LINE)
    signer = person("signer", "operator", limits={"EUR": 1_000_000})
    undo(paid, operator)
    signed(Request.objects.get(state="open"), signer, "reject")
    carry_on()
    assert states(paid) == [ActionState.SUCCEEDED, ActionState.COMPENSATING, ActionState.SUCCEEDED]
    assert shop.cancelled == []
    assert history_problems() == []


def test_a_failed_compensation_leaves_the_rest_to_people(shop: Shop, paid: Run, operator: User) -> None:
    shop.faults["/refunds/R2/cancel"] = "refuse"
    rollback = undo(paid, operator)
    assert shop.cancelled == ["R3"]
    assert states(paid) == [ActionState.SUCCEEDED, ActionState.SUCCEEDED, ActionState.COMPENSATED]
    assert Run.objects.get(undoes=paid).outcome == {"decision": "partly undone", "undone": 1, "left": 2}
    assert rollback.state == "done"


def test_nothing_is_taken_back_while_an_outcome_of_the_run_is_unknown(
    shop: Shop, model: ScriptedProvider, paid: Run, operator: User
) -> None:
    """R24: what came after it might rest on it."""
    shop.faults["/mails"] = "500"
    model.say(
        says("", wants_refund(2_000, order_id="9", id="a")),
        says("", wants("shop.send_mail", to="x@y", text="hi", reason="told", confidence=0.9)),
    )
    model.say(DONE)
    mails = {"tool": "shop.send_mail", "when": "true", "level": 1, "constrain": {"to": ["x@y"]}}
    back = {"tool": "shop.cancel_refund", "when": "true", "level": 1}
    activate_policy(rules=[*RULES, mails, back], actor=COMMAND_LINE)
    run = refund_run("9")
    carry_on()
    assert Request.objects.get(state="open").kind == "unknown_outcome"
    rollback = undo(run, operator)
    assert (rollback.state, shop.cancelled) == ("working", [])
    signed(Request.objects.get(state="open"), operator, "did_not_happen")
    carry_on()
    rollback.refresh_from_db()
    assert (rollback.state, shop.cancelled) == ("done", ["R4"])


def test_a_halt_of_the_agent_does_not_stop_the_undoing_but_a_halt_of_everything_does(
    shop: Shop, paid: Run, operator: User
) -> None:
    engage_halt(scope="agent:refund-clerk", reason="it paid twice", actor=COMMAND_LINE)
    engage_halt(scope="connection:shop", reason="and the shop is down", actor=COMMAND_LINE)
    undo(paid, operator)
    assert shop.cancelled == []
    release_halt(halt_id=next(h.pk for h in open_halts() if h.scope == "connection:shop"), actor=COMMAND_LINE)
    carry_on()
    assert shop.cancelled == ["R3", "R2", "R1"]


def test_a_span_takes_back_what_was_done_in_it_and_nothing_else(shop: Shop, paid: Run, operator: User) -> None:
    second = Action.objects.filter(run=paid, tool="shop.refund_order").order_by("created_at")[1]
    preview = preview_span(agent="refund-clerk", since=second.first_sent_at, until=None, user=operator)
    assert preview.counts["reversible"] == 2
    start_rollback(preview, reason="since then", user=operator)
    carry_on()
    assert shop.cancelled == ["R3", "R2"]
    assert states(paid) == [ActionState.SUCCEEDED, ActionState.COMPENSATED, ActionState.COMPENSATED]


def test_stopped_it_withdraws_what_waits(shop: Shop, paid: Run, operator: User) -> None:
    activate_policy(rules=RULES, actor=COMMAND_LINE)
    rollback = undo(paid, operator)
    cancel_rollback(rollback_id=rollback.pk, user=operator)
    assert Request.objects.get().state == "withdrawn"
    assert states(paid) == [ActionState.SUCCEEDED] * 3
    carry_on()
    assert shop.cancelled == []
    assert history_problems() == []


def test_who_may_not_decide_or_sees_another_team_undoes_nothing(paid: Run, operator: User) -> None:
    preview = preview_run(run_id=paid.pk, user=operator)
    for role in ("manager", "auditor"):
        with pytest.raises(NotAllowed):
            start_rollback(preview, reason="because", user=person(f"a-{role}", role))
    with pytest.raises(BadArguments):
        start_rollback(preview, reason="  ", user=operator)
    stranger = Client()
    stranger.force_login(person("stranger", "operator", team="other"))
    assert stranger.get(f"/rollback/new/?run={paid.pk}").status_code == 422
    assert Rollback.objects.count() == 0


def test_the_pages_show_first_and_then_do(client: Client, shop: Shop, paid: Run, operator: User) -> None:
    client.force_login(operator)
    page = client.get(f"/rollback/new/?run={paid.pk}").content.decode()
    assert "3 reversible" in page and "shop.cancel_refund" in page
    assert shop.cancelled == []
    begun = client.post("/rollback/new/", {"run": str(paid.pk), "reason": "paid twice"})
    carry_on()
    shown = client.get(begun["Location"]).content.decode()
    assert "3 undone" in shown and "Cancel refund R1" in shown
    assert "paid twice" in client.get("/rollback/").content.decode()
