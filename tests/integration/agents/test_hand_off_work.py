"""A hand-off from the agent's call to its end: the card tells all, a person gives it back or closes it, the run obeys."""

from django.contrib.auth.models import User

from agents.models import Run
from agents.providers.scripted import ScriptedProvider
from approvals.models import AuditEvent, Request
from approvals.services import decide_request
from tests.driving import work
from tests.factories import DONE, refund_agent, refund_run, says, wants
from tests.shop import Shop


def _handed_off(model: ScriptedProvider, **arguments: str) -> Request:
    given = {"reason_code": "anomaly", "summary": "Paid twice, it seems.", "priority": "high", **arguments}
    model.say(says("", wants("shop.get_order", order_id="20871")), says("", wants("hand_off", id="c2", **given)))
    refund_run()
    work()
    return Request.objects.get(kind="hand_off", state="open")


def test_card_carries_what_was_found_and_the_instruction_reaches_the_model(
    shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    refund_agent()
    request = _handed_off(model)
    assert (request.reason_code, request.priority, request.progress) == ("anomaly", "high", "new")
    assert request.due_at is not None and (request.due_at - request.created_at).total_seconds() == 4 * 3600
    (found,) = request.card["found"]
    assert ["customer", "Customer of 20871"] in found["fields"]

    decide_request(
        request_id=request.pk, user=operator, vote="answer", digest=request.action_digest, answer="Refund nothing."
    )
    model.say(DONE)
    work()
    run = Run.objects.get()
    assert run.state == "completed" and run.outcome == {"decision": "refunded", "confidence": 0.9}
    assert "with an instruction: Refund nothing." in repr(model.requests[-1].messages)
    moves = AuditEvent.objects.filter(subject_type="run").order_by("seq").values_list("from_state", "to_state")
    assert ("escalated", "queued") in list(moves)


def test_closing_ends_the_run_with_a_result_that_can_be_counted(
    shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    refund_agent()
    request = _handed_off(model, reason_code="because I say so", priority="right now")
    assert (request.reason_code, request.priority) == ("agent", "normal")
    decide_request(
        request_id=request.pk,
        user=operator,
        vote="resolve",
        digest=request.action_digest,
        answer="They meant another order.",
        result_code="not_needed",
        via="api",
    )
    run = Run.objects.get()
    assert run.state == "completed" and run.outcome is not None
    assert (run.outcome["result"], run.outcome["by"]) == ("not_needed", "operator")
    assert Run.objects.filter(outcome__result="not_needed").count() == 1
    assert work() == 0
