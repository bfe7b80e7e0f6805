"""The offline model as a provider. It sees what any model sees and answers in the same shape."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents.providers.base import (
    AssistantTurn,
    Invalid,
    ModelReply,
    ModelRequest,
    Stop,
    ToolCall,
    ToolOutputs,
    Usage,
    UserText,
    split_model,
)
from agents.providers.offline import asked, leads, orders, refunds, tickets
from agents.providers.offline.case import Case, Ended, Ending, Story, Wants

PLAYERS: Mapping[str, Story] = {
    "leads": leads.play,
    "orders": orders.play,
    "tickets": tickets.play,
    "refunds": refunds.play,
}
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class OfflineProvider:
    """Plays a ready-made workflow by plain rules. Deterministic: the same conversation gets the same reply."""

    name: str = "offline"
    kind: str = "offline"

    def complete(self, request: ModelRequest) -> ModelReply:
        """Return the next calls or the ending of the story that the model's name asks for; words to a question beside it."""
        story = _story(request.model)
        if request.question:
            return _reply(request, text=asked.answer(request), calls=())
        case = Case(request)
        try:
            ending = story(case)
        except Ended as ended:
            ending = ended.ending
        except Wants as wanted:
            calls = tuple(_call(case.made + index, *pair) for index, pair in enumerate(wanted.calls, start=1))
            return _reply(request, text="", calls=calls)
        return _reply(request, text=_outcome_text(ending, request.outcome_schema), calls=())


def _story(model: str) -> Story:
    _, name = split_model(model)
    if name not in PLAYERS:
        raise Invalid(f"The offline model plays {', '.join(PLAYERS)}; it has no {name!r}.", setup=True)
    return PLAYERS[name]


def _call(number: int, name: str, arguments: Mapping[str, Any]) -> ToolCall:
    raw = json.dumps(arguments, ensure_ascii=False, sort_keys=True)
    return ToolCall(id=f"call_{number}", name=name, arguments=arguments, raw=raw)


def _outcome_text(ending: Ending, schema: Mapping[str, Any] | None) -> str:
    outcome = {
        "decision": ending.decision,
        "confidence": round(ending.confidence, 2),
        "parameters": dict(ending.parameters),
        "reasoning": ending.reasoning,
    }
    return json.dumps(_fitting(outcome, schema), ensure_ascii=False, default=str)


def _fitting(outcome: dict[str, Any], schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the outcome without what a stricter schema does not know."""
    known = (schema or {}).get("properties")
    if not known or (schema or {}).get("additionalProperties", True) is not False:
        return outcome
    return {name: value for name, value in outcome.items() if name in known}


def _reply(request: ModelRequest, *, text: str, calls: tuple[ToolCall, ...]) -> ModelReply:
    spoken = len(text) + sum(len(call.raw) + len(call.name) for call in calls)
    return ModelReply(
        text=text,
        calls=calls,
        stop=Stop.TOOL_CALLS if calls else Stop.END,
        usage=Usage(
            input_tokens=_read_characters(request) // CHARACTERS_PER_TOKEN + 1,
            output_tokens=spoken // CHARACTERS_PER_TOKEN + 1,
            cache_read_tokens=0,
            cache_write_tokens=0,
            reasoning_tokens=0,
        ),
        cost_usd=Decimal("0.00"),
        price_source="offline",
        model=request.model,
        provider="offline",
        latency_ms=0,
    )


def _read_characters(request: ModelRequest) -> int:
    tools = sum(len(tool.description) + len(json.dumps(tool.schema, default=str)) for tool in request.tools)
    return len(request.system) + tools + sum(_length(message) for message in request.messages)


def _length(message: UserText | AssistantTurn | ToolOutputs) -> int:
    if isinstance(message, UserText):
        return len(message.text)
    if isinstance(message, AssistantTurn):
        return len(message.text) + sum(len(call.raw) for call in message.calls)
    return sum(len(output.content) for output in message.outputs)
