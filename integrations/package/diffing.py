"""What a package would change: what it wants against what there is. Pure.

A state maps each kind of thing to {name: canonical document}. Two equal states give no changes, whoever wrote them.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]
State = Mapping[str, Mapping[str, Document]]

# In the order in which one needs the other; what is retired goes in the opposite order.
KINDS = ("teams", "groups", "providers", "connections", "policy", "agents", "sources", "triggers")
SINGULAR = {
    "teams": "team",
    "groups": "group",
    "providers": "provider",
    "connections": "connection",
    "policy": "rule",
    "agents": "agent",
    "sources": "source",
    "triggers": "trigger",
}
# Too long to print; that they changed, and their size, is what a reader needs.
LONG = ("document", "schema", "outcome")
MAX_TEXT_LINES = 60
NOTHING_TO_CHANGE = "Nothing to change."


class Verb(StrEnum):
    ADD = "add"
    CHANGE = "change"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be added, changed or retired. before and after are its canonical documents."""

    kind: str
    name: str
    before: Document | None
    after: Document | None
    title: str = ""

    @property
    def verb(self) -> Verb:
        if self.before is None:
            return Verb.ADD
        return Verb.RETIRE if self.after is None else Verb.CHANGE

    @property
    def sentence(self) -> str:
        """Return the change as one line: "change agent refund-clerk"."""
        return f"{self.verb} {SINGULAR[self.kind]} {self.title or self.name}"

    @property
    def lines(self) -> list[str]:
        """Return what is different, field by field: "limits.turns: 12 → 20"; for a thing that is new or goes, nothing."""
        if self.before is None or self.after is None:
            return []
        return list(_differences(self.before, self.after, ""))

    @property
    def all_lines(self) -> list[str]:
        """Return what is different, and for a new thing everything that it says: what a second person must have seen."""
        if self.before is None and self.after is not None:
            said = {key: value for key, value in self.after.items() if value not in (None, "", [], {})}
            return [line for key, value in said.items() for line in _said(key, value)]
        return self.lines

    def to_json(self) -> dict[str, Any]:
        """Return the change as a proposal keeps it and a screen shows it."""
        return {
            "verb": self.verb.value,
            "kind": self.kind,
            "name": self.name,
            "sentence": self.sentence,
            "lines": self.lines,
        }


def changes_between(before: State, after: State) -> list[Change]:
    """Return the changes that lead from before to after: first what is added or changed, then what is retired."""
    put = [change for kind in KINDS for change in _of_kind(kind, before.get(kind, {}), after.get(kind, {}))]
    gone = [change for change in put if change.verb is Verb.RETIRE]
    return [change for change in put if change.verb is not Verb.RETIRE] + gone[::-1]


def as_text(changes: list[Change]) -> str:
    """Return the difference as a person reads it before saying yes."""
    if not changes:
        return NOTHING_TO_CHANGE
    return "\n".join("\n".join([change.sentence, *(f"    {line}" for line in change.lines)]) for change in changes)


def _of_kind(kind: str, before: Mapping[str, Document], after: Mapping[str, Document]) -> Iterator[Change]:
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = before.get(name), after.get(name)
        if old != new:
            yield Change(kind=kind, name=name, before=old, after=new, title=_title(kind, name, new or old or {}))


def _title(kind: str, name: str, document: Document) -> str:
    match kind:
        case "policy":
            condition = f" when {document['when']}" if document.get("when") else ""
            return f"{document.get('tool', '')}{condition} → {document.get('level', '')}"
        case "triggers":
            condition = f" when {document['when']}" if document.get("when") else ""
            return f"{document.get('source')}{condition} → {document.get('agent')}"
    return name


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and path not in LONG:
        for key in [*after, *(key for key in before if key not in after)]:
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif path in LONG:
        yield f"{path}: {_size(before)} → {_size(after)}"
    elif isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        yield f"{path}:"
        yield from _text_difference(before, after)
    else:
        yield f"{path}: {_short(before)} → {_short(after)}"


def _said(key: str, value: Any) -> list[str]:
    if key in LONG:
        return [f"{key}: {_size(value)}"]
    if isinstance(value, str) and "\n" in value:
        return [f"{key}:", *value.splitlines()]
    return [f"{key}: {_short(value)}"]


def _text_difference(before: str, after: str) -> list[str]:
    found = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm=""))[2:]
    more = len(found) - MAX_TEXT_LINES
    return [*found[:MAX_TEXT_LINES], f"… {more} more lines"] if more > 0 else found


def _size(value: Any) -> str:
    if value in (None, "", {}):
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{len(text)} characters"


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
