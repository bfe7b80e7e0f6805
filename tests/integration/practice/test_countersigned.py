"""People in the loop of the ready-made agents: approve, reject, edit; limits of money; the refund counted from outside."""

from typing import Any

import httpx2
import pytest
from django.contrib.auth.models import User

from agents.envelope import opened
from agents.models import Action, Run
from agents.states import RunState
from approvals.errors import NotAllowedToDecide
from approvals.models import Request
from approvals.services import decide_request
from tests.driving import hurry, work
from tests.practice_company import TOKEN, how_it_ended, play, told

MACHINE = {"$order": {"lines": {"ESP-640": 1}, "email": "liam.oconnor@example.net", "shipped_days_ago": 12}}
REQUESTED = {
    "type": "refund.requested",
    "order_id": "$order",
    "customer": {"name": "Liam O'Connor", "email": "liam.oconnor@example.net"},
    "amount": "640,00 €",
    "reason": "The machine leaks.",
}


def refunds(company: str, run: Run) -> dict[str, Any]:
    answer = httpx2.get(
        f"{company}/refunds",
        params={"order_id": str(run.input["order_id"])},
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
    )
    found: dict[str, Any] = answer.json()
    return found


def decide(run: Run, user: User, vote: str, **facts: Any) -> None:
    request = Request.objects.get(run_id=run.pk, state="open")
    decide_request(request_id=request.pk, user=user, vote=vote, digest=request.action_digest, **{"via": "api", **facts})


def go_on(run: Run) -> Run:
    hurry(run)
    work()
    run.refresh_from_db()
    return run


def test_refund_of_640_waits_and_is_paid_once_after_the_second_operator_signs(
    company: str, people: dict[str, User]
) -> None:
    run = play("refunds", REQUESTED, MACHINE)
    assert how_it_ended(run) == "approval", told(run)
    with pytest.raises(NotAllowedToDecide, match="500"):
        decide(run, people["operator"], "approve")
    assert refunds(company, run)["count"] == 0

    decide(run, people["second-operator"], "approve")
    go_on(run)

    assert run.state == RunState.COMPLETED, told(run)
    assert run.outcome["decision"] == "refunded"
    assert refunds(company, run)["paid_minor"] == {"EUR": 64_000}
    assert refunds(company, run)["count"] == 1


def test_rejected_refund_has_no_effect_and_the_agent_accepts_it(company: str, people: dict[str, User]) -> None:
    run = play("refunds", REQUESTED, MACHINE)

    decide(run, people["second-operator"], "reject", comment="Repair it first.")
    go_on(run)

    assert run.state == RunState.COMPLETED, told(run)
    assert run.outcome["decision"] == "rejected"
    assert "Repair it first." in run.outcome["reasoning"]
    assert refunds(company, run)["count"] == 0


def test_refund_edited_downward_pays_the_edited_amount(company: str, people: dict[str, User]) -> None:
    run = play("refunds", REQUESTED, MACHINE)
    proposed = opened(Action.objects.get(run_id=run.pk, state="pending").canonical)["arguments"]

    decide(run, people["second-operator"], "approve", arguments={**proposed, "amount_minor": 30_000})
    go_on(run)

    assert run.state == RunState.COMPLETED, told(run)
    assert refunds(company, run)["paid_minor"] == {"EUR": 30_000}


def test_foreign_currency_is_signed_by_who_has_a_limit_in_it(company: str, people: dict[str, User]) -> None:
    setup = {"$order": {"lines": {"US-MUG": 2}, "email": "emily.carter@example.net", "shipped_days_ago": 8}}
    run = play("refunds", {"type": "refund.requested", "order_id": "$order", "amount": "$15.00"}, setup)
    assert how_it_ended(run) == "approval", told(run)

    decide(run, people["second-operator"], "approve")
    go_on(run)

    assert refunds(company, run)["paid_minor"] == {"USD": 1_500}


def test_big_order_is_ready_after_one_signature(company: str, people: dict[str, User]) -> None:
    setup = {"$order": {"lines": {"ESP-1280": 1}, "email": "anna.keller@example.com"}}
    run = play("orders", {"type": "order.created", "order_id": "$order"}, setup)
    assert how_it_ended(run) == "approval", told(run)

    decide(run, people["operator"], "approve")
    go_on(run)

    assert run.state == RunState.COMPLETED, told(run)
    assert run.outcome["decision"] == "ready"
    assert run.outcome["parameters"]["tracking"]


def test_big_deal_gets_its_record_and_mail_after_one_signature(company: str, people: dict[str, User]) -> None:
    lead = {"type": "lead.created", "email": "coo@hotelkette-sued.example", "job_title": "COO", "name": "Dana Vogt"}
    run = play("leads", {**lead, "message": "We want an offer; budget EUR 250,000."})
    assert how_it_ended(run) == "approval", told(run)

    from tests.factories import person

    decide(run, person("seller", "operator", team="sales"), "approve")
    go_on(run)

    assert run.state == RunState.COMPLETED, told(run)
    assert run.outcome["decision"] == "hot"
    assert Action.objects.filter(run_id=run.pk, tool="practice.send_mail", state="succeeded").count() == 1


def test_question_is_answered_and_the_run_goes_on(company: str, people: dict[str, User]) -> None:
    setup = {"$order": {"lines": {"MUG-01": 6}, "shipped_days_ago": 7}}
    run = play("refunds", {"type": "refund.requested", "order_id": "$order", "reason": "Some mugs have cracks."}, setup)
    assert how_it_ended(run) == "question", told(run)

    decide(run, people["operator"], "answer", answer="Two mugs: 25,80 €")
    go_on(run)

    assert run.state == RunState.COMPLETED, told(run)
    assert refunds(company, run)["paid_minor"] == {"EUR": 2_580}
