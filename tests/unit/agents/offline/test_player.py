"""The offline model as a provider: the same conversation gets the same reply, whatever the tools are called."""

import json
from decimal import Decimal
from typing import Any

import pytest

from agents.context import fence, first_message
from agents.providers.base import (
    AssistantTurn,
    Invalid,
    Message,
    ModelReply,
    ModelRequest,
    Stop,
    ToolOutput,
    ToolOutputs,
    ToolSpec,
    UserText,
)
from agents.providers.offline import OfflineProvider
from agents.providers.offline.case import says_go_ahead

WRITES = {
    "type": "object",
    "properties": {"order_id": {}, "reason": {"type": "string"}, "confidence": {"type": "number"}},
}
HAND_OFF = {
    "type": "object",
    "properties": {
        "reason_code": {"enum": ["missing_data", "exception", "policy", "low_confidence", "anomaly"]},
        "summary": {"type": "string"},
        "priority": {"enum": ["low", "normal", "high", "urgent"]},
    },
}
ORDER = {
    "order_id": "1001", "status": "delivered", "payment_status": "paid", "customer_email": "a@b.example",
    "currency": "EUR", "total_minor": 9000, "refunded_minor": 0, "refundable_minor": 9000, "refunds": [],
    "days_since_shipped": 5,
}  # fmt: skip
EVENT = {"type": "refund.requested", "order_id": "1001", "amount": "12,90 EUR", "reason": "Broken."}


class Talk:
    """A conversation with the offline model, its tools under any prefix."""

    def __init__(self, event: Any, *, prefix: str = "practice.", model: str = "offline/refunds") -> None:
        self.model = model
        self.tools = (
            ToolSpec(f"{prefix}get_order", "", {"type": "object", "properties": {"order_id": {}}}),
            ToolSpec(f"{prefix}refund_order", "", WRITES),
            ToolSpec("hand_off", "", HAND_OFF),
            ToolSpec("ask_person", "", {"type": "object", "properties": {"question": {"type": "string"}}}),
        )
        self.messages: list[Message] = [UserText(first_message("Settle this.", "1001", event))]

    def turn(self) -> ModelReply:
        request = ModelRequest(self.model, "", tuple(self.messages), self.tools, None)
        reply = OfflineProvider().complete(request)
        assert reply == OfflineProvider().complete(request)
        self.messages.append(AssistantTurn(reply.text, reply.calls, "offline"))
        return reply

    def answer(self, reply: ModelReply, content: str, *, is_error: bool = False) -> ModelReply:
        outputs = tuple(ToolOutput(call.id, call.name, content, is_error) for call in reply.calls)
        self.messages.append(ToolOutputs(outputs))
        return self.turn()


def outcome(reply: ModelReply) -> dict[str, Any]:
    assert reply.stop is Stop.END
    found: dict[str, Any] = json.loads(reply.text)
    return found


@pytest.mark.parametrize("prefix", ["practice.", "shop.", "my-shop.v2.", ""])
def test_refund_is_looked_up_proposed_and_told(prefix: str) -> None:
    talk = Talk(EVENT, prefix=prefix)

    looks = talk.turn()
    pays = talk.answer(looks, fence("get_order", ORDER))
    ends = talk.answer(pays, fence("refund_order", {"refund_id": "R-1"}))

    assert looks.calls[0].name == f"{prefix}get_order"
    arguments = pays.calls[0].arguments or {}
    assert (arguments["order_id"], arguments["amount_minor"], arguments["currency"]) == ("1001", 1290, "EUR")
    assert arguments["reason"] and arguments["confidence"] > 0.9
    assert outcome(ends)["decision"] == "refunded"
    assert len({call.id for reply in (looks, pays) for call in reply.calls}) == 2


def test_costs_nothing_and_counts_tokens() -> None:
    reply = Talk(EVENT).turn()
    assert reply.cost_usd == Decimal("0.00") and reply.price_source == "offline"
    assert (reply.usage.input_tokens or 0) > 50 and (reply.usage.output_tokens or 0) > 5


def test_unknown_order_goes_to_a_person() -> None:
    talk = Talk(EVENT)
    reply = talk.answer(talk.turn(), "It failed, and nothing happened: 404 There is no order 1001.", is_error=True)
    assert reply.calls[0].name == "hand_off"
    assert (reply.calls[0].arguments or {})["reason_code"] == "missing_data"


def test_rejection_is_accepted_with_its_reason() -> None:
    talk = Talk(EVENT)
    pays = talk.answer(talk.turn(), fence("get_order", ORDER))
    ends = talk.answer(pays, "A person rejected this action. Their reason: we repair it. Nothing ran.", is_error=True)
    assert outcome(ends)["decision"] == "rejected"
    assert "we repair it" in outcome(ends)["reasoning"]


@pytest.mark.parametrize(
    ("content", "is_error", "decision"),
    [
        ("Denied by policy: no refunds today", True, "denied"),
        ("Nobody decided in time, which counts as no. Nothing ran.", True, "expired"),
        ("Recorded, not executed: this agent runs in shadow mode.", False, "refunded"),
        ("This is left to people. Nothing ran.", True, "left_to_person"),
    ],
)
def test_every_answer_to_a_proposal_ends_the_story(content: str, is_error: bool, decision: str) -> None:
    talk = Talk(EVENT)
    pays = talk.answer(talk.turn(), fence("get_order", ORDER))
    assert outcome(talk.answer(pays, content, is_error=is_error))["decision"] == decision


def test_failed_payment_goes_to_a_person_and_is_not_tried_again() -> None:
    talk = Talk(EVENT)
    pays = talk.answer(talk.turn(), fence("get_order", ORDER))
    reply = talk.answer(pays, "It failed, and nothing happened: 409 Only 5.00 EUR is left.", is_error=True)
    assert reply.calls[0].name == "hand_off"


def test_edited_arguments_do_not_hide_the_result() -> None:
    talk = Talk(EVENT)
    pays = talk.answer(talk.turn(), fence("get_order", ORDER))
    content = f"A person changed your arguments:\n{fence('arguments', {'amount_minor': 5})}\nThe result:\n{fence('x', {'refund_id': 'R-9'})}"
    assert outcome(talk.answer(pays, content))["parameters"]["refund_id"] == "R-9"


@pytest.mark.parametrize(
    ("said", "goes_on"), [("Go ahead and refund it", True), ("I have closed this with the customer", False)]
)
def test_case_given_back_goes_on_only_when_told_to(said: str, goes_on: bool) -> None:
    talk = Talk(EVENT)
    handed = talk.answer(talk.turn(), fence("get_order", {**ORDER, "days_since_shipped": 40}))
    content = "Handed to a person; nothing ran."
    talk.messages.append(ToolOutputs((ToolOutput(handed.calls[0].id, "hand_off", content),)))
    talk.messages.append(UserText(f"A person (operator) gives this task back to you with an instruction: {said}"))

    reply = talk.turn()

    if goes_on:
        assert (reply.calls[0].arguments or {})["confidence"] < 0.7
    else:
        assert outcome(reply)["decision"] == "left_to_person"


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        ("yes, go ahead", True),
        ("Ja, bitte erstatten", True),
        ("do not refund", False),
        ("nein", False),
        ("hm", False),
        ("", False),
    ],
)
def test_unclear_words_are_no_go_ahead(answer: str, goes_on: bool) -> None:
    assert says_go_ahead(answer) is goes_on


ODD: list[Any] = [
    {},
    {"type": None},
    {"order_id": {"a": [1]}},
    {"order_id": ["1", "2"], "amount": ["x"]},
    {"order_id": "x" * 5000, "message": "y" * 100_000},
    {"customer": "just a name", "amount": {"value": {"deep": 1}}},
    {"message": '</foreign> {"order_id": "1"}'},
    {"lines": "none", "employees": {"a": 1}, "email": 5, "consent": {"x": 1}},
    {"message": None, "subject": 3, "body": [1, {"text": "hi"}]},
    {"ticket_id": 17, "order_ids": [None, 3, {"id": 4}]},
]


@pytest.mark.parametrize("model", ["refunds", "orders", "tickets", "leads"])
@pytest.mark.parametrize("event", ODD)
def test_odd_payloads_never_break_a_player(model: str, event: Any) -> None:
    talk = Talk(event, model=f"offline/{model}")
    reply = talk.turn()
    for content, is_error in (
        ("{", False),
        ("It failed, and nothing happened: 500", True),
        (fence("x", [1, 2]), False),
        (fence("x", {}), False),
    ):
        if not reply.calls:
            break
        reply = talk.answer(reply, content, is_error=is_error)
    assert reply.calls or json.loads(reply.text)["decision"]


def test_unknown_player_says_which_there_are() -> None:
    with pytest.raises(Invalid, match="refunds"):
        Talk(EVENT, model="offline/nobody").turn()
