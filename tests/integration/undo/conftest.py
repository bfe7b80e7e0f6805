"""A shop whose refunds can be taken back, an agent that paid three of them, and people who may have them undone."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from agents.models import Run
from agents.providers import registry
from agents.providers.scripted import ScriptedProvider
from agents.undo.rollbacks import advance_one, preview_run, start_rollback
from approvals.audit import COMMAND_LINE
from approvals.policy_versions import activate_policy
from integrations.models import Connection
from tests.driving import work
from tests.factories import DONE, RULES, person, refund_agent, refund_run, says, wants_refund
from tests.shop import DOCUMENT, OVERRIDES, Shop

CANCEL = {
    "post": {
        "operationId": "cancel_refund",
        "parameters": [{"name": "refund_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {"200": {"description": "The refund, taken back."}},
    }
}


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> Iterator[Shop]:
    with Shop() as running:
        settings.OUTBOUND_ALLOW = running.allow
        settings.RETRY_BASE_S = 0.01
        document = copy.deepcopy(DOCUMENT)
        document["paths"]["/refunds/{refund_id}/cancel"] = CANCEL
        tools = {**OVERRIDES, "refund_order": {**OVERRIDES["refund_order"], "compensate_with": "cancel_refund"}}
        tools["cancel_refund"] = {"effect": "convergent", "authority": [], "sentence": "Cancel refund {refund_id}"}
        Connection.objects.create(
            name="shop", kind="openapi", base_url=running.url, document=json.dumps(document), tools=tools, timeout_s=1
        )
        yield running


@pytest.fixture
def model() -> Iterator[ScriptedProvider]:
    provider = ScriptedProvider()
    registry.put(provider)
    yield provider
    registry.remove("scripted")


@pytest.fixture
def operator(transactional_db: None) -> User:
    return person("operator", "operator", limits={"EUR": 1_000_000})


@pytest.fixture
def paid(shop: Shop, model: ScriptedProvider) -> Run:
    """A run that paid three refunds, R1 to R3, alone."""
    refund_agent()
    rules = [*RULES, {"tool": "shop.cancel_refund", "when": "true", "level": 1}]
    activate_policy(rules=rules, actor=COMMAND_LINE)
    model.say(*[says("", wants_refund(1_000 + n, id=f"c{n}")) for n in range(3)], DONE)
    run = refund_run()
    work()
    assert len(shop.paid("20871")) == 3
    run.refresh_from_db()
    return run


def undo(run: Run, user: User) -> Any:
    """Ask for it, and work until nothing more is due."""
    rollback = start_rollback(preview_run(run_id=run.pk, user=user), reason="paid twice", user=user)
    carry_on()
    rollback.refresh_from_db()
    return rollback


def carry_on() -> None:
    for _ in range(6):
        moved = advance_one()
        if not (work() or moved):
            return
