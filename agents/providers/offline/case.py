"""One case as a player sees it: the event, and a way to say "call this" that remembers what was called before.

A player is written as one plain story. Each time the model is asked, the story is told again from its beginning:
what the conversation already answers is answered at once, and the first thing that it does not is asked for.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.providers.base import AssistantTurn, Message, ModelRequest, ToolCall, ToolOutputs, ToolSpec, UserText

_FENCE = re.compile(r"<foreign[^>]*>\s*(.*?)\s*</foreign>", re.DOTALL)
_NOT_FOUND = re.compile(
    r"\b404\b|not[ _]found|there is no|does not exist|unknown (?:order|ticket|customer)", re.IGNORECASE
)
# How the loop begins its answers about a call that did not simply run.
_BEGINNINGS = (
    ("Recorded, not executed", "shadow"),
    ("Handed to a person", "untold"),
    ("This is left to people", "untold"),
    ("A person rejected", "rejected"),
    ("Nobody decided in time", "expired"),
    ("Denied by policy", "denied"),
)
_GO_AHEAD = re.compile(
    r"\b(?:go ahead|proceed|approved?|do it|yes|okay|ok|continue|carry on|refund it|pay it|ship it|send it|process it"
    r"|ja|weiter(?:machen)?|freigegeben|ausführen|erstatten|versenden|einverstanden|oui)\b",
    re.IGNORECASE,
)
_STAY = re.compile(
    r"\b(?:not|don'?t|do not|no|never|stop|cancel|reject|close|nicht|nein|kein\w*|ablehnen|abbrechen|schließen|non)\b",
    re.IGNORECASE,
)
SIGN_FIRST = 0.6


class Ended(Exception):
    """The story is over, wherever it is noticed."""

    def __init__(self, ending: "Ending") -> None:
        super().__init__(ending.decision)
        self.ending = ending


class Wants(Exception):
    """The story cannot go on before these calls are made."""

    def __init__(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> None:
        super().__init__(", ".join(name for name, _ in calls))
        self.calls = calls


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call. `kind`: done, missing, refused, rejected, denied, expired, shadow, broken or untold."""

    kind: str
    data: Mapping[str, Any]
    said: str = ""

    @property
    def ok(self) -> bool:
        return self.kind in ("done", "shadow")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a story ends: the run's structured outcome."""

    decision: str
    confidence: float
    reasoning: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Past:
    call: ToolCall
    content: str | None
    is_error: bool
    instruction: str
    used: bool = False

    @property
    def operation(self) -> str:
        return operation_of(self.call.name)


class Case:
    """The event, and the calls made so far."""

    def __init__(self, request: ModelRequest) -> None:
        self._tools = request.tools
        self._past = list(_past_calls(request.messages))
        self.event = _event(request.messages)
        self.goal = next((m.text for m in request.messages if isinstance(m, UserText)), "")
        self.made = len(self._past)
        self.most_confident = 1.0

    def offers(self, operation: str) -> bool:
        return self._tool(operation) is not None

    def read(self, operation: str, **arguments: Any) -> Outcome:
        """Return what a look-up says. A look-up that this agent has not been given says nothing."""
        return self.read_all([(operation, arguments)])[0]

    def read_all(self, wanted: Sequence[tuple[str, dict[str, Any]]]) -> list[Outcome]:
        """Return what several look-ups say; what is not known yet is asked for in one turn."""
        found = [self._take(operation, arguments) for operation, arguments in wanted]
        offered = [self._tool(operation) for operation, _ in wanted]
        asks = [
            (tool.name, arguments)
            for past, tool, (_, arguments) in zip(found, offered, wanted, strict=True)
            if past is None and tool is not None
        ]
        if asks:
            raise Wants(asks)
        return [_outcome(past) if past else Outcome("missing", {}, "no such tool") for past in found]

    def act(self, operation: str, arguments: Mapping[str, Any], *, reason: str, confidence: float) -> Outcome:
        """Return what came of a call that changes something."""
        past = self._take(operation, None)
        if past is not None:
            return _outcome(past)
        tool = self._tool(operation)
        if tool is None:
            return Outcome("denied", {}, f"this agent has no tool for {operation}")
        raise Wants([(tool.name, _complete(tool, arguments, reason, min(confidence, self.most_confident)))])

    def needs_person(self, code: str, summary: str, *, priority: str = "normal") -> None:
        """Leave the case to a person. Comes back only when that person says to go ahead; each act is then signed."""
        answer = self.hand_off(code, summary, priority=priority)
        if not says_go_ahead(answer):
            said = f"{summary} Left to a person, who answered: {answer or 'nothing'}"
            raise Ended(Ending("left_to_person", 0.9, said))
        self.most_confident = SIGN_FIRST

    def hand_off(self, code: str, summary: str, *, priority: str = "normal") -> str:
        """Give the case to a person. Returns what the person answered when it was given back."""
        return self._built_in("hand_off", {"reason_code": code, "summary": summary, "priority": priority})

    def ask(self, question: str, *, why: str = "") -> str:
        """Ask a colleague. Returns the answer."""
        return self._built_in("ask_person", {"question": question, "why": why})

    def _built_in(self, name: str, wanted: Mapping[str, Any]) -> str:
        past = self._take(name, None)
        if past is None:
            tool = self._tool(name)
            raise Wants([(name, _fitting(tool, wanted) if tool else dict(wanted))])
        return past.instruction or _plain_text(past.content or "")

    def _take(self, operation: str, arguments: Mapping[str, Any] | None) -> _Past | None:
        for past in self._past:
            if not past.used and past.operation == operation and _is_same(past.call, arguments):
                past.used = True
                return past
        return None

    def _tool(self, operation: str) -> ToolSpec | None:
        return next((tool for tool in self._tools if operation_of(tool.name) == operation), None)


def operation_of(tool_name: str) -> str:
    """Return a tool's own name, whatever the connection it belongs to is called."""
    return re.split(r"[.:/]|__", tool_name)[-1]


def _is_same(call: ToolCall, arguments: Mapping[str, Any] | None) -> bool:
    return arguments is None or all((call.arguments or {}).get(name) == value for name, value in arguments.items())


def _complete(tool: ToolSpec, arguments: Mapping[str, Any], reason: str, confidence: float) -> dict[str, Any]:
    known = tool.schema.get("properties", {})
    extras = {"reason": reason, "confidence": round(confidence, 2)}
    wanted = {**arguments, **{name: value for name, value in extras.items() if name in known and name not in arguments}}
    return {name: value for name, value in wanted.items() if value is not None}


def _fitting(tool: ToolSpec, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted arguments that the tool takes; a value that is none of its words becomes its first word."""
    known = tool.schema.get("properties", {})
    fitted = {name: value for name, value in wanted.items() if name in known}
    for name, value in fitted.items():
        words = known[name].get("enum")
        if words and value not in words:
            fitted[name] = words[0]
    return fitted


def says_go_ahead(answer: str) -> bool:
    """Return whether a colleague's words let the case go on; anything unclear does not."""
    words = answer.partition("with an instruction:")[2] or answer
    return bool(_GO_AHEAD.search(words)) and not _STAY.search(words)


def _outcome(past: _Past) -> Outcome:
    content = past.content or ""
    kind = _kind(past)
    data = read_json(content, last=True) if kind in ("done", "missing", "refused") else {}
    said = past.instruction if kind == "untold" else _plain_text(content)
    return Outcome(kind, data if isinstance(data, Mapping) else {"value": data}, said)


def _kind(past: _Past) -> str:
    if past.content is None:
        return "untold"
    for beginning, kind in _BEGINNINGS:
        if past.content.startswith(beginning):
            return kind
    if not past.is_error:
        return "done"
    if _NOT_FOUND.search(past.content):
        return "missing"
    return "refused" if re.search(r"\b4\d\d\b|nothing happened|Nothing ran", past.content) else "broken"


def _past_calls(messages: Sequence[Message]) -> Iterator[_Past]:
    for index, message in enumerate(messages):
        if not isinstance(message, AssistantTurn):
            continue
        outputs = _outputs_after(messages, index)
        for call in message.calls:
            output = outputs.get(call.id)
            yield _Past(
                call=call,
                content=output.content if output else None,
                is_error=bool(output and output.is_error),
                instruction=_instruction_after(messages, index),
            )


def _outputs_after(messages: Sequence[Message], index: int) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for message in messages[index + 1 :]:
        if isinstance(message, AssistantTurn):
            break
        if isinstance(message, ToolOutputs):
            outputs.update({output.call_id: output for output in message.outputs})
    return outputs


def _instruction_after(messages: Sequence[Message], index: int) -> str:
    for message in messages[index + 1 :]:
        if isinstance(message, AssistantTurn):
            return ""
        if isinstance(message, UserText):
            return message.text
    return ""


def _event(messages: Sequence[Message]) -> Mapping[str, Any]:
    text = next((message.text for message in messages if isinstance(message, UserText)), "")
    value = read_json(text)
    if isinstance(value, Mapping):
        return value
    return {"message": str(value) if value else text}


def read_json(text: str, *, last: bool = False) -> Any:
    """Return the JSON that a message carries: in its (last) fence, else the first object in it; {} when there is none."""
    fenced = _FENCE.findall(text)
    for block in (*(reversed(fenced) if last else fenced), text):
        for start in (0, block.find("{"), block.find("[")):
            if start >= 0 and (found := _decoded(block[start:])) is not None:
                return found
    return {}


def _decoded(text: str) -> Any:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None


def _plain_text(content: str) -> str:
    inside = _FENCE.findall(content)
    outside = _FENCE.sub(" ", content)
    return " ".join(" ".join([outside, *inside]).split())[:600]


Story = Callable[[Case], Ending]
