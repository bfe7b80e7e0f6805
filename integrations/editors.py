"""Who wrote what a connection says. Nobody signs what a tool proposes that they had a hand in (I16).

Kept per value that stands there (the address, the document, one field of one tool's override), so that a colleague's
later change of something else takes nobody's name away. A value that was taken out is somebody's doing as well.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from integrations.models import Connection

Document = Mapping[str, Any]
_TOOLS = "tools"
# What says how long we wait changes nothing of what is done.
_NOBODYS = frozenset({"name", "timeout_s", _TOOLS})


def note_editors(row: Connection, before: Document | None, after: Document, user_id: int | None) -> None:
    """Write on the row, unsaved, whose each value is that differs now. Nobody: the command line."""
    for part in _differing(before or {}, after):
        _note(row, part, user_id)


def note_secret(row: Connection, user_id: int) -> None:
    """Write on the row, unsaved, who entered its secret: they chose the account that is acted on."""
    _note(row, "auth", user_id)


def editors_of(editors: Mapping[str, int], names: Collection[str]) -> tuple[int, ...]:
    """Return who had a hand in the tool that goes by these names: in its connection, or in what is said about it."""
    own = tuple(f"{_TOOLS}.{name}." for name in names)
    return tuple(
        sorted({pk for part, pk in editors.items() if not part.startswith(f"{_TOOLS}.") or part.startswith(own)})
    )


def _note(row: Connection, part: str, user_id: int | None) -> None:
    others = {name: pk for name, pk in row.editors.items() if name != part}
    row.editors = others if user_id is None else {**others, part: user_id}


def _differing(before: Document, after: Document) -> Iterator[str]:
    for part in {*before, *after} - _NOBODYS:
        if before.get(part) != after.get(part):
            yield part
    said, says = before.get(_TOOLS) or {}, after.get(_TOOLS) or {}
    for name in {*said, *says}:
        old, new = said.get(name) or {}, says.get(name) or {}
        yield from (f"{_TOOLS}.{name}.{part}" for part in {*old, *new} if old.get(part) != new.get(part))
