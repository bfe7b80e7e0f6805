"""Two versions of an agent beside each other, field by field and line by line. Pure: no Django."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

_ORDER = (
    "mode",
    "instructions",
    "model",
    "fallback",
    "tools",
    "limits",
    "confidence_floor",
    "guards",
    "outcome",
    "intended_use",
)
_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line on each side, None where a side has no such line. `skipped` stands for so many equal lines."""

    left: str | None
    right: str | None
    changed: bool
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class FieldDifference:
    name: str
    lines: tuple[Line, ...]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldDifference]:
    """Return every field that differs, in the order in which people ask: what it may do, what it is told, with what."""
    names = [*_ORDER, *sorted({*old, *new} - set(_ORDER))]
    return [
        FieldDifference(name, tuple(_lines(as_lines(old.get(name)), as_lines(new.get(name)))))
        for name in names
        if old.get(name) != new.get(name)
    ]


def as_signed_lines(found: Sequence[FieldDifference]) -> list[tuple[str, str]]:
    """Return the differences as one column of removed and added lines, for a card."""
    signed: list[tuple[str, str]] = []
    for field in found:
        signed.append(("…", field.name))
        for line in field.lines:
            if line.changed:
                signed += [("-", line.left)] if line.left is not None else []
                signed += [("+", line.right)] if line.right is not None else []
    return signed


def as_lines(value: Any) -> list[str]:
    """Return a field's value as the lines that people compare."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return value.rstrip("\n").split("\n")
    if isinstance(value, list):
        return [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in value]
    if isinstance(value, Mapping) and _is_flat(value):
        return [f"{key}: {child}" for key, child in sorted(_flat(value))]
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).split("\n")


def _is_flat(value: Mapping[str, Any]) -> bool:
    inner = [child for child in value.values() if isinstance(child, Mapping)]
    rest = [*value.values(), *(grandchild for child in inner for grandchild in child.values())]
    return not any(isinstance(one, list) for one in rest) and not any(
        isinstance(grandchild, Mapping) for child in inner for grandchild in child.values()
    )


def _flat(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, child in value.items():
        if isinstance(child, Mapping):
            yield from ((f"{key}.{name}", inner) for name, inner in child.items())
        else:
            yield key, child


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    blocks = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for number, (tag, old_from, old_to, new_from, new_to) in enumerate(blocks):
        if tag == "equal":
            yield from _equal(old[old_from:old_to], first=number == 0, last=number == len(blocks) - 1)
        else:
            yield from _changed(old[old_from:old_to], new[new_from:new_to])


def _changed(old: list[str], new: list[str]) -> Iterator[Line]:
    for row in range(max(len(old), len(new))):
        yield Line(old[row] if row < len(old) else None, new[row] if row < len(new) else None, changed=True)


def _equal(lines: list[str], *, first: bool, last: bool) -> Iterator[Line]:
    """Yield equal lines near a change; the rest as one line that says how many there are."""
    before, after = 0 if first else _CONTEXT, 0 if last else _CONTEXT
    hidden = len(lines) - before - after
    if hidden <= 1:
        yield from (Line(line, line, changed=False) for line in lines)
        return
    yield from (Line(line, line, changed=False) for line in lines[:before])
    yield Line("", "", changed=False, skipped=hidden)
    yield from (Line(line, line, changed=False) for line in lines[len(lines) - after :])
