"""Who wrote what a connection or a trigger says. Nobody signs what is proposed that they had a hand in (I16).

Kept per value that stands there (the address, the document, one field of one tool's override), so that a colleague's
later change of something else takes nobody's name away. A value that was taken out is somebody's doing as well.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from integrations.models import Connection, Trigger

Document = Mapping[str, Any]
_TOOLS = "tools"
# What says how long we wait changes nothing of what is done.
_NOBODYS = frozenset({"name", "timeout_s", _TOOLS})
# A trigger's condition and goal; that it is in use at all is somebody's doing as well.
_WORDS, _USE = ("when", "goal"), "use"


def note_editors(row: Connection, before: Document | None, after: Document, user_id: int | None) -> None:
    """Write on the row, unsaved, whose each value is that differs now. Nobody: the command line."""
    for part in _differing(before or {}, after):
        _note(row, part, user_id)


def note_secret(row: Connection, user_id: int) -> None:
    """Write on the row, unsaved, who entered its secret: they chose the account that is acted on."""
    _note(row, "auth", user_id)


def note_trigger(row: Trigger, user_id: int | None) -> None:
    """Write on the row, unsaved, who puts it to use and whose each of its words is. Nobody: the command line."""
    hands = {_USE: user_id, **{part: _who_said(row, part, user_id) for part in _WORDS}}
    row.editors = {part: pk for part, pk in hands.items() if pk is not None}


def trigger_editors(row: Trigger) -> tuple[int, ...]:
    """Return who had a hand in what the trigger's runs are told to do, and on which events."""
    return tuple(sorted(set(row.editors.values())))


def editors_of(editors: Mapping[str, int], names: Collection[str]) -> tuple[int, ...]:
    """Return who had a hand in the tool that goes by these names: in its connection, or in what is said about it."""
    own = tuple(f"{_TOOLS}.{name}." for name in names)
    return tuple(
        sorted({pk for part, pk in editors.items() if not part.startswith(f"{_TOOLS}.") or part.startswith(own)})
    )


def _who_said(row: Trigger, part: str, user_id: int | None) -> int | None:
    """Return who was the first to say this of the source's events: a changed trigger is a new row with old words."""
    said = {part: getattr(row, part)}
    first = Trigger.objects.filter(source_id=row.source_id, **said).order_by("pk").first()
    return user_id if first is None else first.editors.get(part)


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
