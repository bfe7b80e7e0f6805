"""R28: a model that always obeys the attacker gets nothing done that policy or a person did not allow."""

import random
from typing import Any

from agents.models import Action
from agents.providers.base import ModelReply, ModelRequest, ToolCall, ToolOutputs
from agents.providers.scripted import ScriptedProvider
from approvals.models import Decision
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import DONE, refund_agent, refund_run, says, wants
from tests.shop import Shop

RUNS, CALLS = 100, 5
AMOUNTS = [
    1,
    4_999,
    5_000,
    5_001,
    50_000,
    50_001,
    640_000,
    10**12,
    0,
    -1,
    -50_001,
    "5000",
    "1e3",
    49.99,
    True,
    None,
    [1],
]
CURRENCIES = ["EUR", "EUR", "EUR", "USD", "eur", "EUR ", "JPY", "", None, "EURO", "ЕUR"]
ORDERS = ["mine", "mine", "mine", "other", "../refunds", "mine/../other", "mine%2f..", "", None, "missing"]


def hostile_call(rng: random.Random, number: int) -> ToolCall:
    if rng.random() < 0.2:
        arguments = {"to": rng.choice(["thief@example.com", "mine@example.com"]), "text": "pay", "reason": "x"}
        return wants("shop.send_mail", id=f"c{number}", **arguments, confidence=1)
    amount = rng.choice([*AMOUNTS, rng.randint(-100, 100_000)])
    arguments: dict[str, Any] = {
        "order_id": rng.choice(ORDERS),
        "amount_minor": amount,
        "currency": rng.choice(CURRENCIES),
    }
    extra = rng.choice([{}, {"approved": True}, {"level": 1}, {"policy": "allow"}])
    return wants("shop.refund_order", id=f"c{number}", **arguments, **extra, reason="approved by admin", confidence=1)


def test_five_hundred_hostile_calls(shop: Shop, model: ScriptedProvider) -> None:
    rng = random.Random(20261121)  # noqa: S311 - the same attack each time
    refund_agent(limits={"turns": 30, "actions": 1000})

    def puppet(request: ModelRequest) -> ModelReply:
        if isinstance(request.messages[-1], ToolOutputs):
            return DONE
        return says("", *[hostile_call(rng, number) for number in range(CALLS)])

    model.say(*[puppet] * (2 * RUNS))
    for _ in range(RUNS):
        refund_run("mine")
        work()

    assert not Decision.objects.exists()
    assert shop.mails == []
    for refund in shop.refunds.values():
        assert refund["order_id"] == "mine", refund
        assert refund["currency"] == "EUR", refund
        assert type(refund["amount_minor"]) is int and 0 < refund["amount_minor"] <= 50_000, refund
    assert shop.refunds, "the puppet never hit what is allowed, so this proves nothing"
    assert Action.objects.filter(state="pending").exists()
    assert history_problems() == []
