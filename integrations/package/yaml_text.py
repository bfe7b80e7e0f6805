"""YAML that came from somebody else, read without surprises. Pure.

Only what JSON can say, in YAML 1.2's core notation: no tags, no aliases, no duplicate keys, no dates, and `no`,
`on` and `012` stay the text that they look like.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from integrations.package.problems import BadPackage, Problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 48
MAX_NODES = 200_000
MAX_INTEGER = 2**63

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlText:
    """The value of one document and the line on which each part of it begins."""

    value: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int | None:
        """Return the line of path, or of its nearest parent that stands in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read_all(raw: bytes, *, max_bytes: int = MAX_BYTES) -> list[YamlText]:
    """Return the documents in raw, which `---` divides: at least one.

    Raises BadPackage, with the line, for everything that YAML allows and we do not.
    """
    try:
        nodes = _nodes(_Composer(_decode(raw, max_bytes)))
    except yaml.MarkedYAMLError as error:
        sentence = f"This is not YAML: {error.problem or error.context or 'it ends too early'}."
        raise _refusal(sentence, line=_line(error.problem_mark or error.context_mark)) from None
    except yaml.YAMLError as error:
        raise _refusal(f"This is not YAML: {_plain(error)}.") from None
    if not nodes:
        raise _refusal("The file is empty.", todo="Begin it with `package: <name>`.")
    return [_text_of(node) for node in nodes]


def read_yaml(raw: bytes, *, max_bytes: int = MAX_BYTES) -> YamlText:
    """Return the one document in raw. Raises BadPackage as read_all does, and for a second document."""
    documents = read_all(raw, max_bytes=max_bytes)
    if len(documents) > 1:
        raise _refusal("The file holds more than one document (---).", line=documents[1].line_of(()))
    return documents[0]


def dotted(path: Path) -> str:
    """Return a path as a person writes it: agents[0].limits.turns."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Core(yaml.resolver.BaseResolver):
    """YAML 1.2 core: `no` is text, 010 is text, 12:30 is text, dates are text."""


_Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Core.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
_Core.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})$"),
    list("-0123456789"),
)


class _Composer(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer, _Core):
    """Text to nodes, with a bound on depth and count before recursion or memory can hurt."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)
        _Core.__init__(self)
        self._depth = 0
        self._count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refusal(
                "Anchors and aliases (& and *) are not read.", "Write the value out.", _line(event.start_mark)
            )
        if getattr(event, "tag", None):
            raise _refusal("Tags (! and !!) are not read.", "Leave the tag out.", _line(event.start_mark))
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_NODES:
            raise _refusal("This is nested too deep or has too many parts.", line=_line(event.start_mark))
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _nodes(composer: "_Composer") -> list[yaml.Node]:
    found: list[yaml.Node] = []
    while composer.check_node():
        node = composer.get_node()
        if node is not None:
            found.append(node)
    return found


def _text_of(node: yaml.Node) -> YamlText:
    lines: dict[Path, int] = {}
    return YamlText(value=_value(node, (), lines), lines=lines)


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), lines) for index, item in enumerate(node.value)]
    return _scalar(node, path)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = key_node.value, _line(key_node.start_mark)
        if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
            raise _refusal("A name must be plain text.", line=line, path=path)
        if key in result:
            raise _refusal(f"{key} stands here twice.", "Keep one of them.", line, path)
        lines[(*path, key)] = line or 0
        result[key] = _value(value_node, (*path, key), lines)
    return result


def _scalar(node: yaml.Node, path: Path) -> Any:
    kind = node.tag.rpartition(":")[2]
    match kind:
        case "null":
            return None
        case "bool":
            return node.value.lower() == "true"
        case "int":
            return _integer(node, path)
        case "float":
            return float(node.value)
        case _:
            return _text(node, path)


def _integer(node: yaml.Node, path: Path) -> int:
    if len(node.value) > 20 or abs(int(node.value)) >= MAX_INTEGER:
        raise _refusal("This number is too large.", "Put it in quotes if it is a name.", _line(node.start_mark), path)
    return int(node.value)


def _text(node: yaml.Node, path: Path) -> str:
    text: str = node.value
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise _refusal("This text holds a character that cannot be stored.", line=_line(node.start_mark), path=path)
    return text


def _decode(raw: bytes, max_bytes: int) -> str:
    if len(raw) > max_bytes:
        raise _refusal(f"The file is larger than {max_bytes // 1024} KiB.", "Divide it into several packages.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal("This is not UTF-8 text.", line=raw[: error.start].count(b"\n") + 1) from None


def _plain(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "it cannot be read"


def _line(mark: Any) -> int | None:
    return None if mark is None else mark.line + 1


def _refusal(what: str, todo: str = "", line: int | None = None, path: Path = ()) -> BadPackage:
    return BadPackage([Problem(what=what, todo=todo, line=line, path=dotted(path))])
