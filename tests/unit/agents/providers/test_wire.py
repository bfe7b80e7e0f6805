import json
from decimal import Decimal

from agents.providers import wire
from agents.providers.arguments import call_from_text
from agents.providers.base import (
    AssistantTurn,
    Attempt,
    Message,
    ModelReply,
    Stop,
    ToolOutput,
    ToolOutputs,
    Usage,
    UserText,
)

CALLS = (
    call_from_text("1", "shop.refund_order", '{"amount": 0.10, "order_id": "A-1"}'),
    call_from_text("2", "shop.refund_order", '{"amount": '),
)
OPAQUE = ({"type": "thinking", "signature": "abc", "score": Decimal("0.5")},)


def _reply() -> ModelReply:
    return ModelReply(
        text="ok",
        calls=CALLS,
        stop=Stop.TOOL_CALLS,
        usage=Usage(100, 20, None, 0, 5),
        cost_usd=Decimal("0.00012345"),
        price_source="provider",
        model="house/m",
        provider="house",
        latency_ms=12,
        opaque=OPAQUE,
        request_id="req_1",
        tried=(Attempt("other/m", "Retryable", "busy"),),
    )


def test_a_reply_survives_the_journal() -> None:
    data = json.loads(json.dumps(wire.reply_to_json(_reply()), allow_nan=False))
    assert wire.reply_from_json(data) == _reply()


def test_an_unknown_cost_stays_unknown() -> None:
    data = {**wire.reply_to_json(_reply()), "cost_usd": None}
    assert wire.reply_from_json(data).cost_usd is None


def test_messages_survive_the_journal() -> None:
    messages: tuple[Message, ...] = (
        UserText("go"),
        AssistantTurn("ok", CALLS, "house", ({"type": "thinking"},)),
        ToolOutputs((ToolOutput("1", "shop.refund_order", "done"), ToolOutput("2", "x", "no", is_error=True))),
    )
    written = json.loads(json.dumps([wire.message_to_json(message) for message in messages]))
    assert tuple(wire.message_from_json(data) for data in written) == messages
