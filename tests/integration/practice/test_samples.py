"""Every sample of every workflow through the real thread: event, trigger, run, policy, tools, practice company.

With taint, constraints and guards on, as they ship: the easy cases end without a person all the same.
"""

import pytest

from agents.models import Action, Run
from agents.tools.registry import get_tool
from approvals.policy_versions import active_policy
from integrations.practice.models import Order
from integrations.practice.sampling import EXPECTATIONS, SOURCES, Sample, samples_of
from tests.practice_company import how_it_ended, play, told

# The share of the easy cases that ends without a person. Tickets: all of them count as easy, and being told is not "alone".
LEAST_ALONE = {"tickets": 0.58, "orders": 0.85}
ALONE = {"tickets": {"alone"}, "orders": {"alone", "notified"}}


@pytest.mark.parametrize("workflow", sorted(SOURCES))
def test_each_workflow_has_twenty_varied_samples(workflow: str) -> None:
    samples = samples_of(workflow)
    assert len(samples) >= 20
    assert {sample.expect for sample in samples} <= set(EXPECTATIONS)
    assert len({sample.expect for sample in samples}) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("workflow", sorted(SOURCES))
def test_samples_end_as_expected(company: str, workflow: str) -> None:
    wrong, easy = [], []
    for sample in samples_of(workflow):
        run = play(workflow, sample.payload, sample.setup)
        ended = how_it_ended(run)
        if ended != sample.expect:
            wrong.append(f"{sample.name}: expected {sample.expect}, was {ended}\n{told(run)}")
        if _is_easy(workflow, sample, run):
            easy.append(ended in ALONE.get(workflow, {"alone", "notified"}))
        assert _held_fast(run), told(run)
    assert not wrong, "\n\n".join(wrong)
    assert len(easy) >= 10 or workflow not in LEAST_ALONE
    assert sum(easy) >= LEAST_ALONE.get(workflow, 0) * len(easy), f"{sum(easy)} of {len(easy)} alone"


def _is_easy(workflow: str, sample: Sample, run: Run) -> bool:
    """Return whether it is a case that the agent should end alone: of the orders, one that is paid, has an address and
    is within the limit, by the shop's own books."""
    if workflow != "orders":
        return True
    order = Order.objects.filter(pk=str(run.input.get("order_id"))).first()
    complete = order is not None and {"street", "city", "postal_code"} <= {
        key for key, part in order.address.items() if part
    }
    return bool(
        order
        and complete
        and order.payment_status == "paid"
        and order.currency == "EUR"
        and order.total_minor <= 50_000
    )


def _held_fast(run: Run) -> bool:
    """Return whether taint was on and every write that ran alone ran under a rule that pins all that carries power."""
    rules = {rule.id: rule for rule in active_policy().rules}
    acted = Action.objects.filter(run=run, attempts__gt=0).exclude(effect="read").exclude(level="3")
    return run.tainted and all(
        set(tool.authority) <= {pin.argument for pin in rules[action.rule_id].constrain}
        for action in acted
        if (tool := get_tool(action.tool))
    )
