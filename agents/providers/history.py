"""The conversation as every vendor insists on having it: each call has its result, no text is unsendable."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from agents.providers.base import AssistantTurn, Message, ModelRequest, ToolCall, ToolOutput, ToolOutputs, UserText
from agents.providers.foreign import clean

NO_RESULT = "No result was recorded for this call."


def tidied(request: ModelRequest, provider: str) -> ModelRequest:
    """Return the request with clean texts, calls and results in pairs, and no other provider's opaque blocks."""
    turns = (_own(message, provider) for message in request.messages)
    return replace(request, system=clean(request.system), messages=tuple(_paired(_cleaned(turns))))


def _own(message: Message, provider: str) -> Message:
    if isinstance(message, AssistantTurn) and message.provider != provider and message.opaque:
        return replace(message, opaque=())
    return message


def _cleaned(messages: Iterable[Message]) -> Iterator[Message]:
    for message in messages:
        if isinstance(message, ToolOutputs):
            yield ToolOutputs(tuple(replace(output, content=clean(output.content)) for output in message.outputs))
        else:
            yield replace(message, text=clean(message.text))


def _paired(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield the messages with results directly behind their calls: missing ones filled in, strays left out."""
    open_calls: tuple[ToolCall, ...] = ()
    for message in messages:
        if isinstance(message, ToolOutputs):
            if open_calls:
                yield _results(open_calls, message.outputs)
            open_calls = ()
            continue
        if open_calls:
            yield _results(open_calls, ())
        open_calls = message.calls if isinstance(message, AssistantTurn) else ()
        yield message
    if open_calls:
        yield _results(open_calls, ())


def _results(calls: Iterable[ToolCall], outputs: Iterable[ToolOutput]) -> ToolOutputs:
    found = {output.call_id: output for output in outputs}
    return ToolOutputs(
        tuple(found.get(call.id) or ToolOutput(call.id, call.name, NO_RESULT, is_error=True) for call in calls)
    )


def names_in(request: ModelRequest) -> set[str]:
    """Return every tool name that the request says: offered ones, and called ones of the history."""
    called = {call.name for turn in request.messages if isinstance(turn, AssistantTurn) for call in turn.calls}
    return {tool.name for tool in request.tools} | called


def repairs_an_ending(request: ModelRequest) -> bool:
    """Return whether the model has already ended and is being asked to say its ending again."""
    if len(request.messages) < 2:
        return False
    before, last = request.messages[-2:]
    return isinstance(last, UserText) and isinstance(before, AssistantTurn) and not before.calls
