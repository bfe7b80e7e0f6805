"""What the connections pages show, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.tools.base import Tool
from approvals.policy.action import Effect
from integrations import channel_documents
from integrations.connections import secret_in_words
from integrations.models import Connection
from integrations.openapi.call import host_of
from integrations.openapi.document import BadDocument
from integrations.openapi.operations import LeftOut, Operation
from integrations.openapi.overrides import BadOverrides
from integrations.tool_source import offered_by

EFFECT_WORDS = {
    Effect.READ: "changes nothing; tried again when it fails",
    Effect.KEYED: "happens once: the other side keeps our key",
    Effect.CONVERGENT: "may be sent again: twice is the same as once",
    Effect.QUERYABLE: "looked up before anything is sent again",
    Effect.BLIND: "sent at most once; a lost answer goes to a person",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool. carries_power: a write acts alone only where a rule pins it."""

    name: str
    kind: str
    description: str
    required: bool
    carries_power: bool
    part: str


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One tool, with what the document says and what a person said about it."""

    name: str
    tool: Tool
    operation: Operation
    is_said: bool
    marks: tuple[str, ...]

    @property
    def effect(self) -> str:
        return self.tool.effect.value

    @property
    def meaning(self) -> str:
        return EFFECT_WORDS[self.tool.effect]

    @property
    def is_write(self) -> bool:
        return self.tool.effect is not Effect.READ


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection and what it offers; `problem` says why it offers nothing."""

    row: Connection
    host: str
    secret: str
    title: str = ""
    tools: tuple[ToolRow, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    problem: str = ""

    @property
    def reads(self) -> int:
        return sum(1 for tool in self.tools if not tool.is_write)

    @property
    def writes(self) -> int:
        return len(self.tools) - self.reads

    @property
    def blind(self) -> int:
        return sum(1 for tool in self.tools if tool.tool.effect is Effect.BLIND)

    @property
    def state(self) -> str:
        """Return where it stands: stopped, failed or ok by the last test, or new."""
        report = self.row.test_report or {}
        if self.row.disabled:
            return "stopped"
        if self.problem or any(found["state"] == "failed" for found in report.get("findings", [])):
            return "failed"
        return "ok" if report.get("done") else "not tested"

    def tool(self, name: str) -> ToolRow | None:
        return next((tool for tool in self.tools if tool.name == name), None)


def connection_view(row: Connection) -> ConnectionView:
    """Return what a page shows of a connection."""
    if row.kind in channel_documents.KINDS:
        return ConnectionView(row, row.auth_secret_host, secret_in_words(row), _CHANNELS[row.kind])
    about: dict[str, Any] = {"row": row, "host": host_of(row.base_url), "secret": secret_in_words(row)}
    try:
        offered = offered_by(row)
    except (BadDocument, BadOverrides) as error:
        return ConnectionView(**about, problem=str(error))
    tools = tuple(
        ToolRow(
            name=operation.name,
            tool=offered.tools[name],
            operation=operation,
            is_said=name in offered.overrides,
            marks=tuple(_marks(offered.tools[name])),
        )
        for name, operation in offered.operations.items()
    )
    return ConnectionView(**about, title=offered.title, tools=tools, left_out=offered.left_out)


_CHANNELS = {
    "slack": "Slack: requests and notices",
    "mail": "Mail: requests and notices",
    "webhook": "Webhook: notices",
}


def arguments_of(tool: ToolRow) -> list[Argument]:
    """Return the tool's arguments, as the document describes them."""
    properties: Mapping[str, Any] = tool.operation.schema["properties"]
    places = {placement.argument: placement.where for placement in tool.operation.placements}
    powerful = {path.partition(".")[0] for path in tool.tool.authority}
    return [
        Argument(
            name=name,
            kind=kind_in_words(part),
            description=str(part.get("description", "")),
            required=name in tool.operation.required,
            carries_power=name in powerful,
            part=places[name].replace("whole", "body"),
        )
        for name, part in properties.items()
    ]


def kind_in_words(schema: Any) -> str:
    """Return what a schema asks for in a few words: "text, at most 40 characters"."""
    if not isinstance(schema, Mapping):
        return "anything"
    if "enum" in schema:
        shown = ", ".join(str(option) for option in schema["enum"][:6])
        return f"one of {shown}{'…' if len(schema['enum']) > 6 else ''}"
    if "const" in schema:
        return f"always {schema['const']}"
    kinds = schema.get("type", "object" if "properties" in schema else "anything")
    names = [_KINDS.get(kind, str(kind)) for kind in (kinds if isinstance(kinds, list) else [kinds])]
    return ", ".join([" or ".join(names), *_bounds(schema)])


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "array": "list",
    "null": "nothing",
}
_BOUNDS = {
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxItems": "at most {} items",
    "format": "{}",
}


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    return [words.format(_number(schema[name])) for name, words in _BOUNDS.items() if name in schema]


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _marks(tool: Tool) -> Sequence[str]:
    """Return what has been said about a tool beyond its effect, in single words."""
    parts = {
        "money": tool.money,
        "target": tool.target,
        "world check": tool.check,
        "look-up": tool.lookup,
        "can be undone": tool.compensate_with,
        "sentence": tool.sentence,
    }
    return [word for word, part in parts.items() if part]


@dataclass(frozen=True, slots=True)
class Trial:
    """The report of "test now" as far as it has come."""

    findings: Sequence[Any] = field(default_factory=tuple)
    coming: Sequence[str] = field(default_factory=tuple)
    goes_on: bool = False
