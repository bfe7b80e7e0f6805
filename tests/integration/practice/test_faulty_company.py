"""The clerks against a company that fails: what acted and lost its answer is not done twice, what is broken goes to a person."""

from typing import Any

import pytest
from django.utils import timezone

from integrations.practice.faults import set_fault
from integrations.practice.models import Refund
from integrations.practice.states import FaultKind
from tests.practice_company import how_it_ended, play, told

SETUP = {"$order": {"lines": {"MUG-01": 2}, "shipped_days_ago": 5}}
ASKED: dict[str, Any] = {"type": "refund.requested", "order_id": "$order", "amount": "12,90 EUR", "reason": "Broken."}


@pytest.mark.parametrize("kind", [FaultKind.ACTS_THEN_TIMES_OUT, FaultKind.RESET, FaultKind.ERROR_500])
def test_refund_that_loses_its_answer_is_paid_once(company: str, kind: FaultKind) -> None:
    set_fault(operation="refund_order", kind=kind, seconds=0, remaining=1, now=timezone.now())

    run = play("refunds", ASKED, SETUP)

    assert how_it_ended(run) == "alone", told(run)
    assert Refund.objects.filter(order_id=run.input["order_id"]).count() == 1


def test_order_that_cannot_be_read_goes_to_a_person(company: str) -> None:
    set_fault(operation="get_order", kind=FaultKind.ERROR_500, now=timezone.now())

    run = play("refunds", ASKED, SETUP)

    assert how_it_ended(run) == "hand_off", told(run)
    assert not Refund.objects.filter(order_id=run.input["order_id"]).exists()
