"""What an undoing run asks for: whoever wrote how it is taken back does not sign it, and no model is told of it."""

from django.contrib.auth.models import User
from django.utils import timezone

from agents.asking import answer_one
from agents.models import Run
from agents.providers.scripted import ScriptedProvider
from approvals.audit import COMMAND_LINE
from approvals.models import Request
from approvals.policy_versions import activate_policy
from approvals.remarks import FAILED, ask_agent
from integrations.connections import put_override
from integrations.models import Connection
from tests.factories import RULES, person
from tests.integration.undo.conftest import undo
from tests.shop import Shop


def waits_to_be_undone(paid: Run, operator: User) -> Request:
    activate_policy(rules=RULES, actor=COMMAND_LINE)
    undo(paid, operator)
    return Request.objects.get(state="open")


def test_who_said_how_it_is_taken_back_does_not_sign_that(shop: Shop, paid: Run, operator: User) -> None:
    """The mapping stands with the tool that is undone, not with the one that takes it back."""
    admin, _ = person("admin", "admin"), person("second-admin", "admin")
    row = Connection.objects.get(name="shop")
    mapped = {**row.tools["refund_order"], "compensate_arguments": {"refund_id": "result.id"}}
    put_override(row=row, tool="refund_order", alias="", override=mapped, user=admin, now=timezone.now())
    assert set(waits_to_be_undone(paid, operator).barred) == {operator.pk, admin.pk}


def test_no_model_is_asked_about_what_none_proposed(
    shop: Shop, paid: Run, operator: User, model: ScriptedProvider
) -> None:
    """Its journal holds what was hidden from models in the run that it takes back."""
    request, asked = waits_to_be_undone(paid, operator), len(model.requests)
    question = ask_agent(request_id=request.pk, user=operator, text="Why?")
    assert answer_one()
    question.refresh_from_db()
    assert (question.state, len(model.requests)) == (FAILED, asked)
    assert "No model stands behind this" in question.problem
