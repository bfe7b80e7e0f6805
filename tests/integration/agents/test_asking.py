"""Asking an agent about an open request: answered beside the run, counted, and never part of it."""

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.asking import answer_one
from agents.models import Agent, AgentDay, Run, Step
from agents.providers.base import ModelReply, ModelRequest, Retryable
from agents.providers.scripted import ScriptedProvider
from agents.services import publish_agent_version
from approvals.audit import SYSTEM
from approvals.errors import AlreadySettled, BadArguments, NotAllowed, NotFound, RequestChanged
from approvals.halts import engage_halt, release_halt
from approvals.models import AuditEvent, Notice, Remark, Request
from approvals.remarks import MOST_QUESTIONS, add_note, ask_agent, remarks_of
from approvals.services import decide_request
from tests.desk import REFUND, Desk, open_desk, refund_waits
from tests.driving import work
from tests.factories import DONE, refund_agent, refund_run, says, wants, wants_refund
from tests.shop import Shop

ANSWER = says("The customer wrote that two of four lamps were broken.")


@pytest.fixture
def office(db: None) -> Desk:
    found = open_desk()
    _use(found)
    return found


def _use(office: Desk, **changes: Any) -> None:
    """Let the agent of the desk speak through the script."""
    document = {"instructions": "Settle it.", "model": "scripted/one", "tools": [REFUND], "mode": "live", **changes}
    publish_agent_version(agent=office.agent, document=document, actor=SYSTEM)


def _waiting_refund(model: ScriptedProvider) -> Request:
    """A run that looked an order up and now waits for a person's yes."""
    model.say(says("", wants("shop.get_order", order_id="20871")), says("", wants_refund(60_000, id="c2")))
    refund_run()
    work()
    return Request.objects.get(kind="approval")


def test_question_is_answered_without_tools_and_labelled_with_what_it_cost(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    refund_agent()
    request = _waiting_refund(model)
    model.say(replace(ANSWER, cost_usd=Decimal("0.0021")))
    steps = Step.objects.count()
    ask_agent(request_id=request.pk, user=second_operator, text="  What did the customer write?  ")
    assert answer_one() and not answer_one()

    asked = model.requests[-1]
    assert asked.tools == () and asked.outcome_schema is None
    assert asked.question == "What did the customer write?"
    said = remarks_of(request)[0]
    assert said.remark.state == "answered" and said.answer is not None
    assert said.answer.text == "The customer wrote that two of four lamps were broken."
    assert (said.answer.model, said.answer.user_id, said.answer.cost_usd) == ("scripted/one", None, Decimal("0.0021"))
    assert (said.answer.input_tokens, said.answer.output_tokens) == (100, 20)
    run = Run.objects.get()
    assert (run.state, run.turns, Step.objects.count()) == ("waiting_person", 2, steps)
    assert request.decisions.count() == 0
    assert Notice.objects.filter(user=second_operator, kind="question.answered").count() == 1
    assert AgentDay.objects.get(kind="cost").used == 2_100


def test_the_model_reads_what_the_run_knows_and_foreign_text_stays_fenced(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    refund_agent()
    request = _waiting_refund(model)
    model.say(ANSWER)
    ask_agent(request_id=request.pk, user=second_operator, text="Why?")
    answer_one()
    text = str(model.requests[-1].messages[0].text)  # type: ignore[union-attr]
    assert "You called shop.get_order with:" in text and '<foreign source="shop.get_order">' in text
    assert "You called shop.refund_order with:" in text and "There is no result: this waits" in text
    assert text.endswith("Your colleague asks you now:\nWhy?")


def test_two_equal_runs_ask_byte_for_byte_the_same_with_and_without_a_question(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    refund_agent()
    told: list[str] = []
    for asked in (False, True):
        request = _waiting_refund(model) if not told else _again(model)
        if asked:
            model.say(ANSWER)
            ask_agent(request_id=request.pk, user=second_operator, text="Really?")
            assert answer_one()
        decide_request(
            request_id=request.pk, user=second_operator, vote="reject", digest=request.action_digest, comment="no"
        )
        model.say(DONE)
        work()
        told.append(repr(model.requests[-1]))
    assert told[0] == told[1]


def _again(model: ScriptedProvider) -> Request:
    model.say(says("", wants("shop.get_order", order_id="20871")), says("", wants_refund(60_000, id="c2")))
    refund_run()
    work()
    return Request.objects.get(kind="approval", state="open")


def test_provider_that_is_away_leaves_a_sentence_and_it_can_be_asked_again(
    office: Desk, model: ScriptedProvider
) -> None:
    request, asker = refund_waits(office), office["second-operator"]
    model.say(Retryable("The provider is busy."))
    question = ask_agent(request_id=request.pk, user=asker, text="Why?")
    assert answer_one()
    question.refresh_from_db()
    assert (question.state, question.problem) == ("failed", "No model could be reached: The provider is busy.")
    assert AgentDay.objects.get(kind="cost").used == 0
    model.say(ANSWER)
    ask_agent(request_id=request.pk, user=asker, text="Why?")
    assert answer_one()
    assert [said.remark.state for said in remarks_of(request)] == ["failed", "answered"]


def test_answer_that_tries_to_call_a_tool_changes_nothing(office: Desk, model: ScriptedProvider) -> None:
    request, asker = refund_waits(office), office["second-operator"]
    model.say(says("", wants_refund(1, id="c9")))
    question = ask_agent(request_id=request.pk, user=asker, text="Do it now")
    assert answer_one()
    question.refresh_from_db()
    assert (question.state, question.problem) == ("failed", "The agent answered without words.")
    assert Request.objects.get().state == "open"


def test_halted_agent_is_not_asked_and_says_so(office: Desk, model: ScriptedProvider) -> None:
    request, asker = refund_waits(office), office["second-operator"]
    waits = ask_agent(request_id=request.pk, user=asker, text="Why?")
    halt = engage_halt(scope="agent:refund-clerk", reason="tried", user=asker)
    asked = len(model.requests)
    with pytest.raises(NotAllowed, match="refund-clerk is halted"):
        ask_agent(request_id=request.pk, user=asker, text="And now?")
    assert answer_one()
    waits.refresh_from_db()
    assert waits.state == "failed" and "halted" in waits.problem
    assert len(model.requests) == asked
    release_halt(halt_id=halt.pk, user=office["admin"])
    model.say(ANSWER)
    ask_agent(request_id=request.pk, user=asker, text="And now?")
    assert answer_one()


def test_limits_of_who_asks_what_and_how_often(office: Desk, model: ScriptedProvider) -> None:
    request, asker = refund_waits(office), office["second-operator"]
    first = ask_agent(request_id=request.pk, user=asker, text="Question 0")
    assert ask_agent(request_id=request.pk, user=asker, text="Question 0") == first
    for number in range(1, MOST_QUESTIONS):
        ask_agent(request_id=request.pk, user=asker, text=f"Question {number}")
    with pytest.raises(RequestChanged, match="10 questions"):
        ask_agent(request_id=request.pk, user=asker, text="One more")
    with pytest.raises(BadArguments):
        ask_agent(request_id=request.pk, user=asker, text=" \x00 ")
    with pytest.raises(NotAllowed):
        ask_agent(request_id=request.pk, user=office["auditor"], text="Why?")
    with pytest.raises(NotFound):
        ask_agent(request_id=request.pk, user=office["stranger"], text="Why?")
    assert Remark.objects.count() == MOST_QUESTIONS
    assert AuditEvent.objects.filter(verb="agent.asked").count() == MOST_QUESTIONS


def test_settled_request_is_not_asked_about_but_may_have_a_note(office: Desk, model: ScriptedProvider) -> None:
    request, asker = refund_waits(office), office["second-operator"]
    decide_request(request_id=request.pk, user=asker, vote="reject", digest=request.action_digest, comment="no")
    with pytest.raises(AlreadySettled, match="rejected"):
        ask_agent(request_id=request.pk, user=asker, text="Why?")
    add_note(request_id=request.pk, user=asker, text="Called the customer.")
    assert [said.remark.kind for said in remarks_of(request)] == ["note"]


def test_many_workers_ask_each_question_once(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    refund_agent()
    request = _waiting_refund(model)
    for number in range(6):
        ask_agent(request_id=request.pk, user=second_operator, text=f"Question {number}")
    model.say(*([ANSWER] * 6))
    asked = len(model.requests)

    def worker() -> None:
        while answer_one():
            pass
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(model.requests) - asked == 6
    assert Remark.objects.filter(kind="answer").count() == 6


def test_worker_lost_with_a_question_lets_another_try_and_twice_is_enough(
    office: Desk, model: ScriptedProvider
) -> None:
    request, asker = refund_waits(office), office["second-operator"]
    question = ask_agent(request_id=request.pk, user=asker, text="Why?")

    def dies(_request: ModelRequest) -> ModelReply:
        raise KeyboardInterrupt

    for _ in range(2):
        model.say(dies)
        with pytest.raises(KeyboardInterrupt):
            answer_one()
        assert not answer_one(), "it is claimed for as long as an answer may need"
        with connection.cursor() as cursor:
            cursor.execute("UPDATE approvals_remark SET try_at = clock_timestamp()")
    assert answer_one()
    question.refresh_from_db()
    assert (question.state, question.problem) == ("failed", "Twice a worker was lost before the answer came.")
    assert AgentDay.objects.get(kind="cost").used == 0


def test_day_without_money_left_asks_nothing(office: Desk, model: ScriptedProvider) -> None:
    _use(office, limits={"cost_usd": "0.02", "cost_usd_per_day": "0.04"})
    request, asker = refund_waits(office), office["second-operator"]
    asked = len(model.requests)
    question = ask_agent(request_id=request.pk, user=asker, text="Why?")
    assert answer_one()
    question.refresh_from_db()
    assert question.state == "failed" and "cost limit" in question.problem
    assert len(model.requests) == asked


def test_offline_model_answers_from_the_case(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    refund_agent()
    request = _waiting_refund(model)
    agent = Agent.objects.get()
    version = agent.current
    assert version is not None
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE agents_agentversion DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE agents_agentversion SET document = jsonb_set(document, '{model}', '\"offline/refunds\"')"
        )
        cursor.execute("ALTER TABLE agents_agentversion ENABLE TRIGGER USER")
    ask_agent(request_id=request.pk, user=second_operator, text="Why do you want to refund this?")
    ask_agent(request_id=request.pk, user=second_operator, text="What is the total of this order?")
    assert answer_one() and answer_one()
    why, total = (said.answer.text for said in remarks_of(request) if said.answer)
    assert "Two of four lamps arrived broken" in why
    assert "shop.get_order says total minor: 128000" in total
    assert all(said.offline for said in remarks_of(request))
