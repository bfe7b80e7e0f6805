"""A run's conversation retold as one text, for a question about it that is no part of it. Pure: reads no rows.

As text and not as turns: no tool calls are left open that a vendor would want answered, nothing opaque goes to another
provider, and a model that is offered no tools is not shown the shape of a call.
"""

import json
from collections.abc import Iterator, Sequence

from agents.providers.base import AssistantTurn, Message, ToolCall, ToolOutputs, UserText

NOT_YET = "There is no result: this waits, or was never run."


def transcript(messages: Sequence[Message]) -> str:
    """Return what was said, called and answered, in order. Foreign text keeps the fences it came in."""
    return "\n\n".join(part for message in messages for part in _parts(message, _answered(messages)))


def _parts(message: Message, answered: frozenset[str]) -> Iterator[str]:
    if isinstance(message, UserText):
        yield f"You were told:\n{message.text}"
    elif isinstance(message, AssistantTurn):
        yield from _said(message, answered)
    else:
        yield from _results(message)


def _said(turn: AssistantTurn, answered: frozenset[str]) -> Iterator[str]:
    if turn.text.strip():
        yield f"You said:\n{turn.text.strip()}"
    for call in turn.calls:
        yield f"You called {call.name} with:\n{_given(call)}" + ("" if call.id in answered else f"\n{NOT_YET}")


def _given(call: ToolCall) -> str:
    """Return the arguments as JSON that cannot close a fence: what was read outside may have been copied into them."""
    text = json.dumps(call.arguments, ensure_ascii=False, default=str) if call.arguments is not None else call.raw
    return text.replace("<", "\\u003c")


def _results(outputs: ToolOutputs) -> Iterator[str]:
    for output in outputs.outputs:
        yield f"{output.name} {'refused' if output.is_error else 'answered'}:\n{output.content}"


def _answered(messages: Sequence[Message]) -> frozenset[str]:
    return frozenset(
        output.call_id for message in messages if isinstance(message, ToolOutputs) for output in message.outputs
    )
