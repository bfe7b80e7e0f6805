"""What the policy's editors offer: the tools that a pattern means, their arguments, and the words of a condition."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from approvals.policy.arguments import Argument, arguments_of
from approvals.ports import KnownTool, actions

_VARIABLES = (
    ("args", "object", "the arguments of the call"),
    ("tool", "string", "the tool's name"),
    ("effect", "string", "read, keyed, convergent, queryable or blind"),
    ("target", "object", "the record that was looked up for the call"),
    ("agent", "string", "the agent's name"),
    ("event", "object", "the payload of the verified event"),
    ("subject", "string", "what the run is about"),
    ("mode", "string", "suggest or live"),
    ("tainted", "bool", "whether the run has read foreign text"),
    ("confidence", "number", "the model's own figure; may only make a rule stricter"),
    ("totals.actions_in_run", "integer", "what the run has done so far"),
    ("totals.moved_minor_today", "integer", "what the agent moved today, minor units"),
)
_FUNCTIONS = (
    ("size()", "size(list) or size(text)"),
    ("has()", "has(args.x): whether it is given"),
    ("contains()", 'text.contains("x")'),
    ("startsWith()", 'text.startsWith("x")'),
    ("endsWith()", 'text.endsWith("x")'),
    ("matches()", 'text.matches("pattern")'),
    ("exists()", "list.exists(x, x > 5)"),
    ("all()", "list.all(x, x > 5)"),
    ("filter()", "list.filter(x, x > 5)"),
    ("int()", "a whole number"),
    ("string()", "a text"),
    ("timestamp()", "a point in time"),
    ("duration()", 'a span of time: duration("1h")'),
    ("in", "value in [list]"),
    ("&&", "and"),
    ("||", "or"),
    ("!", "not"),
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a condition as completion offers it. choices: the values it may be compared with."""

    text: str
    kind: str
    about: str
    choices: tuple[str, ...] = ()


def tools_about(pattern: str, known: Sequence[KnownTool]) -> dict[str, list[Argument]]:
    """Return the registered tools that the pattern of a rule means, with their arguments."""
    fits = re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern.strip()[:200]))), re.ASCII)
    return {tool.name: arguments_of(tool.schema, tool.authority) for tool in known if fits.fullmatch(tool.name)}


def all_arguments(tools: Mapping[str, Sequence[Argument]]) -> list[Argument]:
    """Return the arguments of all these tools, each path once; one that carries power anywhere carries it here."""
    found: dict[str, Argument] = {}
    for arguments in tools.values():
        for one in arguments:
            if one.path not in found or one.authority:
                found[one.path] = one
    return list(found.values())


def words_for(arguments: Sequence[Argument]) -> list[Word]:
    """Return everything that a condition about these arguments may say."""
    own = [Word(f"args.{one.path}", one.type, _about(one), tuple(map(str, one.choices))) for one in arguments]
    names = [Word(name, kind, about) for name, kind, about in _VARIABLES]
    return [*own, *names, *(Word(name, "function", about) for name, about in _FUNCTIONS)]


def registered() -> Sequence[KnownTool]:
    return actions().tools()


def _about(one: Argument) -> str:
    power = "carries power" if one.authority else ""
    return "; ".join(part for part in (power, one.about) if part)
