"""A whole run settled through the pages that people use: what they post is what the agent is told."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Action, Run
from agents.providers.scripted import ScriptedProvider
from approvals.models import Request
from tests.driving import hurry, work
from tests.factories import refund_agent, refund_run, says, wants, wants_refund
from tests.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)
DONE = says('{"decision": "done", "confidence": 0.9}')


def post(user: User, request: Request, vote: str, **more: Any) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(f"/inbox/{request.pk}/decide/", {"vote": vote, "digest": request.action_digest, **more})


def page_of(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(path).content.decode()


def open_request() -> Request:
    return Request.objects.get(state="open")


def waits_for_a_refund(model: ScriptedProvider) -> Run:
    refund_agent()
    model.say(says("", wants_refund(64_000)))
    run = refund_run()
    work()
    return run


def test_an_approved_refund_is_paid_once_and_the_story_tells_it(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    run = waits_for_a_refund(model)
    assert post(second_operator, open_request(), "approve").status_code == 303
    model.say(DONE)
    hurry(run)
    work()
    assert shop.paid("20871") == [64_000]
    story = page_of(second_operator, f"/runs/{run.pk}/")
    parts = [
        "Policy says: a person countersigns",
        "second-operator approved",
        "keyed, level 3, succeeded",
        "The run completed",
    ]
    assert [story.index(part) for part in parts] == sorted(story.index(part) for part in parts)
    assert "It is completed." in story and 'hx-trigger="every 2s' not in story


def test_an_edit_downward_is_what_is_paid(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    run = waits_for_a_refund(model)
    post(second_operator, open_request(), "approve", mode="edit", **{"arg-amount_minor": "600.00"})
    model.say(DONE)
    hurry(run)
    work()
    assert shop.paid("20871") == [60_000]


def test_the_reason_of_a_reject_reaches_the_model(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    run = waits_for_a_refund(model)
    post(second_operator, open_request(), "reject", reason_code="no_proof", comment="Ask for a picture.")
    model.say(DONE)
    hurry(run)
    work()
    assert shop.paid("20871") == []
    assert "no proof. Ask for a picture." in page_of(second_operator, f"/runs/{run.pk}/?view=raw")


def test_an_unknown_outcome_is_settled_with_what_was_seen(
    shop: Shop, model: ScriptedProvider, second_operator: User
) -> None:
    refund_agent()
    shop.faults["/mails"] = "acts_then_hangs"
    model.say(says("", wants("shop.send_mail", to="a@example.com", text="hello", reason="told", confidence=0.9)))
    run = refund_run()
    work()
    post(second_operator, open_request(), "approve")
    hurry(run)
    work()
    request = open_request()
    card = page_of(second_operator, f"/inbox/{request.pk}/")
    assert "What we know" in card and "It did not happen" in card and "Approve" not in card
    assert post(second_operator, request, "happened").status_code == 422
    assert post(second_operator, request, "happened", **{"comment-happened": "It is in the outbox."}).status_code == 303
    model.say(DONE)
    hurry(run)
    work()
    assert Action.objects.get().state == "succeeded"
    run.refresh_from_db()
    assert run.state == "completed"


def test_a_hand_off_is_given_back_with_an_instruction_and_later_closed(
    shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    refund_agent()
    hand_off = wants("hand_off", reason_code="exception", summary="The customer speaks of a lawyer.")
    model.say(says("", hand_off))
    run = refund_run()
    work()
    card = page_of(operator, f"/inbox/{open_request().pk}/")
    assert "The customer speaks of a lawyer." in card and "hands off" in card
    post(operator, open_request(), "answer", answer="Refund nothing; say we are looking into it.")
    model.say(says("", hand_off))
    hurry(run)
    work()
    assert "gave it back with an instruction" in page_of(operator, f"/runs/{run.pk}/")
    post(operator, open_request(), "resolve", answer="Called the customer.")
    run.refresh_from_db()
    assert run.state == "completed"


def test_a_question_is_answered_and_the_run_goes_on(shop: Shop, model: ScriptedProvider, operator: User) -> None:
    refund_agent()
    model.say(says("", wants("ask_person", question="Which invoice?", why="Two fit.")))
    run = refund_run()
    work()
    post(operator, open_request(), "answer", answer="Invoice 4402.")
    model.say(DONE)
    hurry(run)
    work()
    run.refresh_from_db()
    assert run.state == "completed"
    assert "Invoice 4402." in page_of(operator, f"/runs/{run.pk}/")
