"""From a run to an effect that a person countersigned, on real rows and a real foreign shop."""

import pytest
from django.contrib.auth.models import User

from agents.models import Action, Run
from agents.providers.scripted import ScriptedProvider
from agents.states import RunState
from approvals.errors import AlreadySettled, NotAllowedToDecide, RequestChanged
from approvals.models import AuditEvent, Notice, Request
from approvals.services import decide_request, undo_decision
from tests.driving import hurry, work
from tests.factories import DONE, refund_agent, refund_run, wants, wants_refund
from tests.factories import says as reply
from tests.shop import Shop


def the_request() -> Request:
    return Request.objects.get(state="open")


def decide(user: User, vote: str = "approve", **facts: object):
    request = the_request()
    return decide_request(
        request_id=request.pk, user=user, vote=vote, digest=request.action_digest, **{"via": "api", **facts}
    )


def waiting_refund(model: ScriptedProvider, amount: int = 64_000) -> Run:
    refund_agent()
    model.say(reply("", wants_refund(amount)))
    run = refund_run()
    work()
    run.refresh_from_db()
    return run


def test_small_refund_runs_alone_once(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()
    model.say(reply("", wants("shop.get_order", order_id="20871")), reply("", wants_refund(4_000)), DONE)
    run = refund_run()

    work()

    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert run.outcome["decision"] == "refunded"
    assert shop.paid("20871") == [4_000]
    assert not Request.objects.exists()


def test_middle_refund_runs_and_people_are_told(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()
    model.say(reply("", wants_refund(40_000)), DONE)
    refund_run()

    work()

    assert shop.paid("20871") == [40_000]
    assert Notice.objects.filter(kind="action.done", title__contains="€400.00").exists()


def test_large_refund_waits_and_runs_once_signed(
    shop: Shop, model: ScriptedProvider, operator: User, second_operator: User
) -> None:
    run = waiting_refund(model)
    assert run.state == RunState.WAITING_PERSON
    assert shop.paid("20871") == []
    assert the_request().title == "Refund €640.00 for order 20871"
    with pytest.raises(NotAllowedToDecide, match="your limit in finance is €500.00"):
        decide(operator)

    decide(second_operator)
    model.say(DONE)
    work()

    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert shop.paid("20871") == [64_000]
    assert work() == 0
    told = list(AuditEvent.objects.filter(run_id=run.pk).order_by("seq").values_list("verb", flat=True))
    for verb in ("action.proposed", "request.opened", "decision.approve", "action.executing", "action.succeeded"):
        assert told.count(verb) == 1, verb


def test_rejected_refund_does_nothing_and_the_model_is_told(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    run = waiting_refund(model)
    decide(second_operator, "reject", comment="no proof of damage")
    model.say(DONE)
    work()

    assert shop.paid("20871") == []
    assert "no proof of damage" in model.requests[-1].messages[-1].outputs[0].content
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED


def test_edited_downward_runs_the_edited_amount_on_the_editors_vote(
    shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    run = waiting_refund(model)
    done = decide(operator, arguments={"order_id": "20871", "amount_minor": 32_000, "currency": "EUR"})
    assert done.settled
    model.say(DONE)
    work()

    assert shop.paid("20871") == [32_000]
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert Request.objects.get(state="withdrawn").successor_id == done.request.pk


def test_edited_upward_waits_for_another_person(
    shop: Shop, model: ScriptedProvider, operator: User, second_operator: User
) -> None:
    waiting_refund(model)
    done = decide(second_operator, arguments={"order_id": "20871", "amount_minor": 70_000, "currency": "EUR"})
    assert not done.settled
    with pytest.raises(NotAllowedToDecide, match="second pair of eyes"):
        decide(second_operator)
    work()
    assert shop.paid("20871") == []


def test_second_decider_hears_who_was_first(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    from tests.factories import person

    other = person("third", "operator", limits={"EUR": 1_000_000})
    waiting_refund(model)
    request = the_request()
    decide(second_operator)
    with pytest.raises(AlreadySettled, match="second-operator approved this"):
        decide_request(request_id=request.pk, user=other, vote="approve", digest=request.action_digest)


def test_another_digest_is_refused(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    waiting_refund(model)
    with pytest.raises(RequestChanged):
        decide_request(request_id=the_request().pk, user=second_operator, vote="approve", digest="0" * 64)


def test_undo_within_the_window_executes_nothing(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    run = waiting_refund(model)
    request = the_request()
    decide(second_operator, via="browser")
    work()
    assert shop.paid("20871") == []

    undo_decision(request_id=request.pk, user=second_operator)
    hurry(run)
    work()

    run.refresh_from_db()
    assert run.state == RunState.WAITING_PERSON
    assert shop.paid("20871") == []
    decide(second_operator)
    model.say(DONE)
    work()
    assert shop.paid("20871") == [64_000]


def test_unknown_outcome_of_a_blind_tool_is_settled_by_a_person(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    refund_agent()
    shop.faults["/mails"] = "acts_then_hangs"
    model.say(reply("", wants("shop.send_mail", to="a@example.com", text="hello", reason="told", confidence=0.9)))
    run = refund_run()
    work()
    decide(second_operator)
    work()

    assert len(shop.mails) == 1
    assert Action.objects.get().state == "unknown"
    assert the_request().kind == "unknown_outcome"
    decide(second_operator, "happened")
    model.say(DONE)
    work()
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert len(shop.mails) == 1


def test_keyed_tool_that_acts_then_hangs_pays_once(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent()
    shop.faults["/refunds"] = "acts_then_hangs"
    model.say(reply("", wants_refund(4_000)))
    refund_run()
    work()
    assert shop.paid("20871") == [4_000]
    assert shop.calls["refund_order"] > 1


def test_shadow_records_and_executes_nothing(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent(mode="shadow")
    model.say(reply("", wants_refund(64_000)), DONE)
    run = refund_run()
    work()
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert shop.refunds == {}
    assert not Request.objects.exists()
    assert Action.objects.get().state == "shadowed"


def test_suggest_makes_every_write_wait(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent(mode="suggest")
    model.say(reply("", wants_refund(1_000)))
    run = refund_run()
    work()
    run.refresh_from_db()
    assert run.state == RunState.WAITING_PERSON
    assert shop.refunds == {}


def test_question_is_answered_and_the_run_goes_on(shop: Shop, model: ScriptedProvider, operator: User) -> None:
    refund_agent()
    model.say(reply("", wants("ask_person", question="Which order?")))
    run = refund_run()
    work()
    assert the_request().kind == "question"
    decide(operator, "answer", answer="The one of last week.")
    model.say(DONE)
    work()
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert "The one of last week." in model.requests[-1].messages[-1].outputs[0].content


def test_hand_off_is_given_back_with_an_instruction(shop: Shop, model: ScriptedProvider, operator: User) -> None:
    refund_agent()
    model.say(reply("", wants("hand_off", reason_code="missing_data", summary="No photo was sent.")))
    run = refund_run()
    work()
    run.refresh_from_db()
    assert run.state == RunState.ESCALATED
    decide(operator, "answer", answer="The photo is in ticket 5; refund 10 euros.")
    model.say(DONE)
    work()
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert "ticket 5" in model.requests[-1].messages[-1].text


def test_hand_off_closed_with_a_result_completes_the_run(shop: Shop, model: ScriptedProvider, operator: User) -> None:
    refund_agent()
    model.say(reply("", wants("hand_off", reason_code="exception", summary="Legal threat.")))
    run = refund_run()
    work()
    decide(operator, "resolve", answer="Called the customer; settled.")
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert run.outcome["reasoning"] == "Called the customer; settled."


def test_tool_that_the_agent_does_not_have_is_explained(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent(tools=["shop.get_order"])
    model.say(reply("", wants_refund(1_000)), DONE)
    refund_run()
    work()
    assert "There is no tool shop.refund_order for you" in model.requests[-1].messages[-1].outputs[0].content
    assert shop.refunds == {}


def test_turn_limit_hands_off(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent(limits={"turns": 2})
    model.say(*[reply("", wants("shop.get_order", order_id=str(n))) for n in range(2)])
    run = refund_run()
    work()
    run.refresh_from_db()
    assert (run.state, run.reason_code) == (RunState.ESCALATED, "limit_turns")


def test_money_limit_of_the_day_hands_off(shop: Shop, model: ScriptedProvider) -> None:
    refund_agent(limits={"moved_minor_per_day": {"EUR": 5_000}})
    for order in ("1", "2"):
        model.say(reply("", wants_refund(4_000, order_id=order)))
        refund_run(order)
        if order == "1":
            model.say(DONE)
        work()
    assert shop.paid("1") == [4_000]
    assert shop.paid("2") == []
    assert Run.objects.get(subject="2").reason_code == "limit_moved"
