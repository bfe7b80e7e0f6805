"""From what a person signed to its undoing: the card and the run's story lead to the preview, once there is a deed."""

from django.contrib.auth.models import User
from django.test import Client

from agents.providers.scripted import ScriptedProvider
from approvals.audit import COMMAND_LINE
from approvals.models import Request
from approvals.policy_versions import activate_policy
from approvals.services import decide_request
from tests.driving import hurry, work
from tests.factories import DONE, RULES, refund_agent, refund_run, says, wants_refund
from tests.integration.undo.conftest import undo
from tests.shop import Shop


def test_an_executed_request_leads_to_its_undoing_as_long_as_it_stands(
    client: Client, shop: Shop, model: ScriptedProvider, operator: User
) -> None:
    refund_agent()
    activate_policy(rules=[*RULES, {"tool": "shop.cancel_refund", "when": "true", "level": 1}], actor=COMMAND_LINE)
    model.say(says("", wants_refund(64_000)), DONE)
    run = refund_run()
    work()
    request = Request.objects.get()
    client.force_login(operator)
    link = f'href="/rollback/new/?run={run.pk}">Undo it…'

    def leads_there(path: str) -> bool:
        return link in client.get(path).content.decode()

    decide_request(request_id=request.pk, user=operator, vote="approve", digest=request.action_digest, via="api")
    assert not leads_there(f"/inbox/{request.pk}/")  # approved, and nothing has happened yet
    hurry(run)
    work()
    assert shop.paid("20871") == [64_000]
    assert leads_there(f"/inbox/{request.pk}/") and leads_there(f"/runs/{run.pk}/")
    assert "data-next>Next request" in client.get(f"/inbox/{request.pk}/").content.decode()
    undo(run, operator)
    assert not leads_there(f"/inbox/{request.pk}/") and not leads_there(f"/runs/{run.pk}/")
