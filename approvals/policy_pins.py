"""The editor of a rule's constraints: one row per argument, its kind of demand chosen, its value typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from approvals.policy.arguments import Argument
from approvals.policy.canonical import canonical_bytes, exact
from approvals.policy_forms import BadConstrain, read_value

KINDS = (
    ("", "may be anything"),
    ("one_of", "is one of"),
    ("max", "is at most"),
    ("min", "is at least"),
    ("between", "lies between"),
    ("equals", "equals"),
)
_EMPTY_ROWS = 1
_MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class PinRow:
    """One row: an argument (typed, where the tool's schema does not name it) and what it must be."""

    name: str
    kind: str = ""
    value: str = ""
    type: str = ""
    authority: bool = False
    error: str = ""


def pin_rows(constrain: Mapping[str, Any], arguments: Sequence[Argument]) -> list[PinRow]:
    """Return a row for each constraint there is, for each argument that carries power, and an empty one."""
    about = {argument.path: argument for argument in arguments}
    named = dict.fromkeys([*(path for path, one in about.items() if one.authority), *constrain])
    return [_row(name, constrain.get(name), about.get(name)) for name in named] + [PinRow("")] * _EMPTY_ROWS


def posted_rows(typed: QueryDict, arguments: Sequence[Argument]) -> list[PinRow]:
    """Return the rows as they were typed."""
    about = {argument.path: argument for argument in arguments}
    lists = (typed.getlist(name)[:_MOST_ROWS] for name in ("pin_name", "pin_kind", "pin_value"))
    rows = [
        _typed(name.strip(), kind, value.strip(), about.get(name.strip()))
        for name, kind, value in zip(*lists, strict=False)
    ]
    # a tool that was chosen meanwhile has other arguments
    named = {row.name for row in rows if row.kind or not row.name or row.name in about}
    fresh = [_row(path, None, one) for path, one in about.items() if one.authority and path not in named]
    kept = [row for row in rows if row.name in named and (row.name or row.kind or row.value)]
    return [*kept, *fresh] + [PinRow("")] * _EMPTY_ROWS


def read_rows(rows: Sequence[PinRow]) -> dict[str, Any]:
    """Return the constraints that the rows say. Raises BadConstrain with the argument's name."""
    found: dict[str, Any] = {}
    for row in rows:
        if not row.kind:
            continue
        if not row.name or row.name in found:
            raise BadConstrain(f"{row.name or 'A line'}: name each argument once.")
        found[row.name] = _read(row)
    return found


def _row(name: str, constraint: Any, about: Argument | None) -> PinRow:
    kind, value = _shown(constraint)
    return PinRow(name, kind, value, about.type if about else "", bool(about and about.authority))


def _typed(name: str, kind: str, value: str, about: Argument | None) -> PinRow:
    known = kind if kind in dict(KINDS) else ""
    return PinRow(name, known, value, about.type if about else "", bool(about and about.authority))


def _shown(constraint: Any) -> tuple[str, str]:
    match constraint:
        case None:
            return "", ""
        case str():
            return "equals", constraint
        case list():
            return "one_of", ", ".join(_spelled(value) for value in constraint)
        case {"min": low, "max": high}:
            return "between", f"{low} and {high}"
        case {"max": high}:
            return "max", str(high)
        case {"min": low}:
            return "min", str(low)
    return "", ""


def _spelled(value: Any) -> str:
    plain = isinstance(value, str) and value == value.strip() and not set(value) & set(',"[]{}')
    return value if plain and value else canonical_bytes(exact(value)).decode()


def _read(row: PinRow) -> Any:
    if row.kind == "equals":
        return row.value
    if row.kind == "one_of":
        return [_one(part, row) for part in _parts(row.value)]
    bounds = [_whole(part, row) for part in row.value.replace("–", " and ").split(" and ")]
    wanted = 2 if row.kind == "between" else 1
    if len(bounds) != wanted:
        raise BadConstrain(f"{row.name}: write two whole numbers, such as 100 and 5000.")
    return {"min": bounds[0], "max": bounds[1]} if row.kind == "between" else {row.kind: bounds[0]}


def _parts(text: str) -> list[str]:
    """Return what stands between the commas that are in no quotes."""
    parts, quoted = [""], False
    for letter in text:
        quoted = quoted != (letter == '"')
        if letter == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _one(part: str, row: PinRow) -> Any:
    """Return one value with the argument's type: 20871 is a text where the argument is one."""
    if part.startswith('"') or row.type in ("integer", "number", "boolean"):
        return read_value(part, f"{row.name}: {part}")
    if row.type == "string":
        return part
    return (
        int(part) if part.lstrip("-").isdecimal() and len(part) < 18 else {"true": True, "false": False}.get(part, part)
    )


def _whole(text: str, row: PinRow) -> int:
    digits = text.strip()
    if not digits.lstrip("-").isdecimal() or len(digits) > 18:
        raise BadConstrain(f"{row.name}: write a whole number, money in minor units.")
    return int(digits)
