"""Replies and messages as plain JSON and back, for the journal.

A call's arguments are not written twice: they are read again from `raw`, so numbers stay exact.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agents.providers.arguments import read_arguments
from agents.providers.base import (
    AssistantTurn,
    Attempt,
    Message,
    ModelReply,
    Stop,
    ToolCall,
    ToolOutput,
    ToolOutputs,
    Usage,
    UserText,
)
from agents.providers.foreign import storable

_USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def reply_to_json(reply: ModelReply) -> dict[str, Any]:
    return {
        "text": reply.text,
        "calls": [call_to_json(call) for call in reply.calls],
        "stop": reply.stop.value,
        "usage": {field: getattr(reply.usage, field) for field in _USAGE},
        "cost_usd": None if reply.cost_usd is None else str(reply.cost_usd),
        "price_source": reply.price_source,
        "model": reply.model,
        "provider": reply.provider,
        "latency_ms": reply.latency_ms,
        "opaque": storable(reply.opaque),
        "request_id": reply.request_id,
        "tried": [{"model": one.model, "error": one.error, "message": one.message} for one in reply.tried],
    }


def reply_from_json(data: Mapping[str, Any]) -> ModelReply:
    cost = data["cost_usd"]
    return ModelReply(
        text=data["text"],
        calls=tuple(call_from_json(call) for call in data["calls"]),
        stop=Stop(data["stop"]),
        usage=Usage(**{field: data["usage"].get(field) for field in _USAGE}),
        cost_usd=None if cost is None else Decimal(cost),
        price_source=data["price_source"],
        model=data["model"],
        provider=data["provider"],
        latency_ms=data["latency_ms"],
        opaque=tuple(data["opaque"]),
        request_id=data["request_id"],
        tried=tuple(Attempt(**one) for one in data.get("tried", ())),
    )


def call_to_json(call: ToolCall) -> dict[str, str]:
    return {"id": call.id, "name": call.name, "raw": call.raw, "problem": call.problem}


def call_from_json(data: Mapping[str, Any]) -> ToolCall:
    problem = data["problem"]
    arguments = None if problem else read_arguments(data["raw"])[0]
    return ToolCall(data["id"], data["name"], arguments, data["raw"], problem)


def message_to_json(message: Message) -> dict[str, Any]:
    if isinstance(message, UserText):
        return {"role": "user", "text": message.text}
    if isinstance(message, AssistantTurn):
        return {
            "role": "assistant",
            "text": message.text,
            "calls": [call_to_json(call) for call in message.calls],
            "provider": message.provider,
            "opaque": storable(message.opaque),
        }
    return {"role": "tools", "outputs": [_output_to_json(output) for output in message.outputs]}


def message_from_json(data: Mapping[str, Any]) -> Message:
    if data["role"] == "user":
        return UserText(data["text"])
    if data["role"] == "assistant":
        calls = tuple(call_from_json(call) for call in data["calls"])
        return AssistantTurn(data["text"], calls, data["provider"], tuple(data["opaque"]))
    return ToolOutputs(tuple(ToolOutput(**output) for output in data["outputs"]))


def turn_of(reply: ModelReply) -> AssistantTurn:
    """Return the reply as the history says it again."""
    return AssistantTurn(reply.text, reply.calls, reply.provider, reply.opaque)


def _output_to_json(output: ToolOutput) -> dict[str, Any]:
    return {
        "call_id": output.call_id,
        "name": output.name,
        "content": output.content,
        "is_error": output.is_error,
    }
